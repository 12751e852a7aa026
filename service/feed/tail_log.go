package feed

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/backoff"
	"github.com/openova-io/provflow/service/flow"
)

// straggle is how long after an execution's end lines of it may still be recorded; the
// bridge takes none that are later.
const straggle = time.Minute

// tail is one followed log. Its goroutine looks how far the log goes; lines that a
// follower needs besides are read in flights.
//
// final says why nothing will follow after total: io.EOF, the log has ended; ErrGone, it
// is not there any more; or the error for which it could not be looked at even once.
type tail struct {
	holding
	tails *Tails

	mu      sync.Mutex
	known   bool   // it has been read once
	flowID  string // whose execution it is, as first read
	total   int64
	final   error
	quiet   time.Time
	done    bool // the execution was finished at the last look
	kept    tailPages
	flights map[int64]*tailFlight
	changed chan struct{} // closed and replaced when anything of this changes
}

// tailFlight is a read of the lines from some number on that is under way.
type tailFlight struct {
	landed chan struct{}
	page   *tailPage // set before landed is closed; nil when there was nothing to get
}

func newTail(of *Tails, id string) *tail {
	return &tail{
		holding: newHolding(id), tails: of, changed: make(chan struct{}),
		kept: tailPages{most: of.opts.KeepBytes}, flights: map[int64]*tailFlight{},
	}
}

// run looks at the log until it has ended or nobody follows it.
func (t *tail) run() {
	retry := t.tails.retry()
	for {
		wait := jittered(t.tails.opts.PollInterval)
		err := t.look()
		switch {
		case t.over():
			return
		case err == nil:
			retry.Reset()
		case t.tails.ctx.Err() == nil:
			wait = retry.Next()
			t.tails.opts.Logger.Warn("reading a followed log failed; it will be read again", "execution", t.id, "error", err)
		}
		if !t.rest(wait) {
			return
		}
	}
}

func (s *Tails) retry() *backoff.Backoff {
	return &backoff.Backoff{Least: min(s.opts.PollInterval, s.opts.RetryMax), Most: s.opts.RetryMax}
}

// rest waits for the next look; false when there is to be none.
func (t *tail) rest(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-t.tails.ctx.Done():
		return false
	case <-timer.C:
	case <-t.wake:
	}
	return !t.tails.retire(t)
}

func (t *tail) over() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.final != nil
}

// look reads how far the log goes, and what is new of it. One that has ended is off the
// map before anybody learns of it: who comes then looks afresh.
func (t *tail) look() error {
	t.mu.Lock()
	from := t.total + 1
	t.mu.Unlock()
	read, page, err := t.read(from)
	t.mu.Lock()
	defer t.mu.Unlock()
	total := t.total
	switch {
	case !t.known && err != nil:
		t.final = err
	case isNotFound(err), err == nil && read.Total < total:
		t.final = ErrGone
	case err == nil:
		t.kept.add(page)
		t.settle(read)
	}
	if t.final != nil {
		t.tails.forget(t)
	}
	news := t.final != nil || !t.known || t.total != total
	if t.known = t.known || err == nil; news {
		t.broadcast()
	}
	return err
}

// settle notes how far the log goes, and whether it has ended: the execution is finished
// and nothing has come for a while, or it has been finished for so long that nothing will.
func (t *tail) settle(read flow.LogPage) {
	now, done := t.tails.opts.Now(), read.Status.Terminal()
	if read.Total > t.total || done != t.done {
		t.quiet = now
	}
	t.total, t.done = read.Total, done
	if done && (now.Sub(t.quiet) >= t.tails.opts.Settle || now.Sub(read.FinishedAt) > straggle) {
		t.final = io.EOF
	}
}

// read gives the lines from a number on, rendered.
func (t *tail) read(from int64) (flow.LogPage, *tailPage, error) {
	ctx, cancel := context.WithTimeout(t.tails.ctx, tailTimeout)
	defer cancel()
	p, err := t.tails.reader.LogPage(ctx, t.id, from, t.tails.opts.PageLines)
	switch {
	case err != nil:
		return p, nil, err
	case !t.isOf(p.FlowID):
		return p, nil, flow.NoExecution(t.id)
	}
	page, err := renderPage(from, p)
	return p, page, err
}

// isOf reports whether the execution is still that of the flow it was of at first. Another
// flow may come to have one of the same id, and who may see the one may not see the other.
func (t *tail) isOf(flowID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flowID == "" {
		t.flowID = flowID
	}
	return t.flowID == flowID
}

// admit waits for the first look.
func (t *tail) admit(ctx context.Context) error {
	for {
		t.mu.Lock()
		known, final, changed := t.known, t.final, t.changed
		t.mu.Unlock()
		switch {
		case errors.Is(final, ErrGone):
			return flow.NoExecution(t.id)
		case known:
			return nil
		case final != nil:
			return final
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-t.tails.ctx.Done():
			return stopped()
		}
	}
}

// reached is how far the log went at the last look.
func (t *tail) reached() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// fetch joins the flight that reads the lines from a number on, or begins it; with mu held.
func (t *tail) fetch(at int64) *tailFlight {
	f := t.flights[at]
	if f == nil {
		f = &tailFlight{landed: make(chan struct{})}
		if t.tails.begin(func() { t.fly(at, f) }) {
			t.flights[at] = f
		}
	}
	return f
}

// fly reads until it has the lines: a database that is away ends no follower.
func (t *tail) fly(at int64, f *tailFlight) {
	retry := t.tails.retry()
	for {
		_, page, err := t.read(at)
		if err == nil || isNotFound(err) || t.tails.ctx.Err() != nil || t.tails.idle(t) {
			t.land(at, f, page, err)
			return
		}
		backoff.Wait(t.tails.ctx, retry.Next())
	}
}

func (t *tail) land(at int64, f *tailFlight, page *tailPage, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.page = page; page != nil {
		t.kept.add(page)
	}
	if isNotFound(err) {
		t.final = ErrGone
	}
	delete(t.flights, at)
	close(f.landed)
}

// broadcast wakes all who wait for something new; with mu held.
func (t *tail) broadcast() {
	close(t.changed)
	t.changed = make(chan struct{})
}

package feed

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openova-io/provflow/service/backoff"
	"github.com/openova-io/provflow/service/flow"
)

// state is what a topic knows of its flow.
//
//	unresolved ──► absent ──► live ──► gone
//	     └────────────┴────────┴────────▲
type state int

const (
	unresolved state = iota // nothing has been read yet, or it could not be
	absent                  // there is no such flow; empty is set when there is a deployment
	live                    // cursor is set and the ring ends at it
	gone                    // the flow was deleted or has another history; final
)

// perTurn is how many requests a topic serves before it looks for changes again, so
// that those who catch up do not hold up those who are there.
const perTurn = 4

// topic is one watched flow. Its goroutine alone reads; subscribers take what they need
// under mu, wait for changed, and ask for what the ring does not have.
type topic struct {
	holding
	hub   *Hub
	stale atomic.Bool // there may be changes to read

	learned atomic.Int64 // when the oldest news not yet read was heard, in Unix nanoseconds; 0: none was

	idleSince time.Time // zero while somebody is here; the goroutine's own

	mu      sync.Mutex
	state   state
	cursor  flow.Cursor
	empty   *Frame // snapshot of a deployment that has no flow yet
	ring    ring
	past    ring // catch-ups lately made, in no order: kept for others at the same cursor
	pending []*request
	changed chan struct{} // closed and replaced when anything of this changes

	asked, answered uint64 // looks asked for and answered, see look
	err             error  // of the last look
	failing         bool   // the last turn failed
}

// request is a subscriber's need of what the ring does not have: all changes since a
// cursor or, from NoCursor, a snapshot. Subscribers with the same need share it.
type request struct {
	since flow.Cursor
	got   *segment // set once, under topic.mu
}

func newTopic(h *Hub, flowID string) *topic {
	keep := ring{maxCount: h.opts.RingSegments, maxBytes: h.opts.RingBytes}
	return &topic{holding: newHolding(flowID), hub: h, changed: make(chan struct{}), ring: keep, past: keep}
}

// run serves the topic until its flow is gone, the hub stops, or nobody has used it
// for a while.
func (t *topic) run() {
	retry := backoff.Backoff{Least: t.hub.opts.RetryMin, Most: t.hub.opts.RetryMax}
	for t.rest(&retry) {
		looked, err := t.turn()
		switch {
		case errors.Is(err, ErrGone):
			t.end()
			return
		case err != nil:
			t.hub.suspect(t.id, err)
		default:
			retry.Reset()
		}
		if looked {
			backoff.Wait(t.hub.ctx, t.hub.opts.Coalesce)
		}
	}
}

// rest waits until there is something to do; false when the topic is to end.
func (t *topic) rest(retry *backoff.Backoff) bool {
	idle := t.hub.idle(t)
	if !idle {
		t.idleSince = time.Time{}
	} else if t.idleSince.IsZero() {
		t.idleSince = time.Now()
	}
	wait, wake := t.patience(idle, retry)
	if idle && wait <= 0 {
		return !t.hub.retire(t)
	}
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-t.hub.ctx.Done():
	case <-wake:
	case <-due:
	}
	return t.hub.ctx.Err() == nil
}

// patience is how long to wait, and for which wake: until the end when nobody is here, until
// the next try after a failure whatever is heard meanwhile, else without an end (0). With the
// database away the poll will wake us.
func (t *topic) patience(idle bool, retry *backoff.Backoff) (d time.Duration, wake <-chan struct{}) {
	left := t.hub.opts.Linger - time.Since(t.idleSince)
	t.mu.Lock()
	defer t.mu.Unlock()
	down, _, _ := t.hub.health.state()
	switch {
	case idle && (left <= 0 || t.state != live && t.empty == nil):
		return 0, t.wake
	case t.failing && !down:
		return retry.Next(), nil
	case idle:
		return left, t.wake
	}
	return 0, t.wake
}

// suspect makes the poll find out whether the database is there.
func (h *Hub) suspect(flowID string, err error) {
	if h.ctx.Err() == nil {
		h.opts.Logger.Warn("reading a watched flow failed; it will be read again", "flow", flowID, "error", err)
		h.Resync()
	}
}

// markStale has the topic look for changes.
func (t *topic) markStale() {
	t.stale.Store(true)
	signal(t.wake)
}

// learn notes that there is news of the flow, and since when.
func (t *topic) learn() {
	t.learned.CompareAndSwap(0, t.hub.opts.Now().UnixNano())
	t.markStale()
}

// compare wakes the topic when it is not where the database is, and says by how many
// versions it is behind.
func (t *topic) compare(current flow.Cursor, exists bool) (behind int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	here := t.state == live
	if t.failing || t.state == unresolved || exists != here || here && current != t.cursor {
		t.learn()
	}
	if exists && here && current.Epoch == t.cursor.Epoch {
		return max(current.Version-t.cursor.Version, 0)
	}
	return 0
}

// broadcast wakes all who wait for the topic; with mu held.
func (t *topic) broadcast() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// end tells all subscribers that the flow is gone.
func (t *topic) end() {
	t.hub.forget(t)
	t.hub.snaps.forget(t.id)
	t.hub.counts.gone.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = gone
	t.broadcast()
}

// look has the topic read once more and waits for a read that began after the call.
func (t *topic) look(ctx context.Context) error {
	t.mu.Lock()
	t.asked++
	mine := t.asked
	t.mu.Unlock()
	t.markStale()
	return t.until(ctx, func() (bool, error) { return t.answered >= mine, t.err })
}

// awaitLive waits until the flow exists.
func (t *topic) awaitLive(ctx context.Context) error {
	t.mu.Lock()
	known := t.state != unresolved
	t.mu.Unlock()
	if !known {
		t.markStale()
	}
	return t.until(ctx, func() (bool, error) { return t.state == live, nil })
}

// until waits for a condition, which is asked with mu held.
func (t *topic) until(ctx context.Context, done func() (bool, error)) error {
	for {
		t.mu.Lock()
		ok, err := done()
		isGone, changed := t.state == gone, t.changed
		t.mu.Unlock()
		switch {
		case isGone:
			return ErrGone
		case ok:
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-t.hub.ctx.Done():
			return stopped()
		}
	}
}

// admit lets a subscriber in and gives the least cursor at which its snapshot may be.
func (t *topic) admit(ctx context.Context, last flow.Cursor) (least flow.Cursor, err error) {
	if t.resumes(last) {
		return least, nil
	}
	err = t.look(ctx)
	if errors.Is(err, ErrGone) || ctx.Err() != nil {
		return least, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.state == live && err == nil:
		return t.cursor, nil
	case t.state == live, t.state == absent && t.empty != nil:
		return least, nil
	case err != nil:
		return least, err
	}
	return least, unknown(t.id)
}

func (t *topic) resumes(last flow.Cursor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state == live && t.cursor.Epoch == last.Epoch
}

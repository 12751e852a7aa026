package feed

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Follower is one reader's place in a log. Next is for one goroutine; Close may be
// called from any, more than once.
type Follower struct {
	tail  *tail
	close sync.Once

	at     int64 // the number of the line it gets next
	page   *tailPage
	flight *tailFlight
}

// Close gives the follower up.
func (f *Follower) Close() { f.close.Do(func() { f.tail.tails.release(f.tail) }) }

// FlowID is whose execution it is.
func (f *Follower) FlowID() string {
	f.tail.mu.Lock()
	defer f.tail.mu.Unlock()
	return f.tail.flowID
}

// Next blocks until there are lines, and gives them in order, each line once. It ends
// with io.EOF when the execution is finished and all lines were given, with ErrGone when
// the execution was deleted, with ErrStopped, or with ctx's error; after the latter it
// may be called again and nothing is lost. A database that is away only makes it wait.
func (f *Follower) Next(ctx context.Context) ([]TailLine, error) {
	for {
		lines, wait, err := f.take()
		if err != nil || len(lines) > 0 {
			return lines, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.tail.tails.ctx.Done():
			return nil, ErrStopped
		}
	}
}

// take gives what is at hand, or what to wait for.
func (f *Follower) take() (lines []TailLine, wait <-chan struct{}, err error) {
	t := f.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if f.flight != nil && !f.landed() {
			return nil, f.flight.landed, nil
		}
		switch {
		case errors.Is(t.final, ErrGone):
			return nil, nil, ErrGone
		case f.find():
			lines, f.at = f.page.cut(f.at, t.tails.opts.KeepBytes)
		case f.at <= t.total:
			f.flight = t.fetch(f.at)
		case errors.Is(t.final, io.EOF):
			return nil, nil, io.EOF
		default:
			return nil, t.changed, nil
		}
		if len(lines) > 0 {
			return lines, nil, nil
		}
	}
}

// landed takes what a flight has brought, once it has.
func (f *Follower) landed() bool {
	select {
	case <-f.flight.landed:
		f.page, f.flight = f.flight.page, nil
		return true
	default:
		return false
	}
}

// find makes page the one with the next line, if there is one at hand.
func (f *Follower) find() bool {
	if f.page == nil || !f.page.covers(f.at) {
		f.page = f.tail.kept.covering(f.at)
	}
	return f.page != nil
}

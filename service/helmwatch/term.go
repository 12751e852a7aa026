package helmwatch

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// stopBound is how long it may take to give a term up.
const stopBound = 2 * time.Second

// run watches the cluster whenever this replica has its term.
func (c *cluster) run(ctx context.Context) {
	for {
		term, ok := c.take(ctx)
		if !ok {
			return
		}
		c.log.Info("watching", "term", term.Term)
		err := c.hold(ctx, term)
		c.log.Info("not watching any more", "term", term.Term, "because", err)
	}
}

// take waits for the term; ok is false when ctx has ended.
func (c *cluster) take(ctx context.Context) (flow.WatchTerm, bool) {
	for quiet := false; ; quiet = true {
		term, ok, err := c.tryTake(ctx)
		if err != nil && !quiet {
			c.log.Warn("asking for the term; trying again", "error", err)
		}
		if ok && ctx.Err() != nil { // it came too late
			c.end(ctx, term)
			return term, false
		}
		if ok {
			return term, true
		}
		if !pause(ctx, c.options.Lease/6) {
			return term, false
		}
	}
}

// tryTake hears the answer however soon ctx ends: a term that nobody knows of would have to
// run out.
func (c *cluster) tryTake(ctx context.Context) (flow.WatchTerm, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.options.Lease)
	defer cancel()
	return c.options.Terms.TakeTerm(ctx, c.WatchKey, c.options.Holder, c.options.Lease)
}

// hold watches until ctx ends or the term is over, and says why it stopped.
func (c *cluster) hold(ctx context.Context, term flow.WatchTerm) error {
	ctx, end := context.WithCancelCause(ctx)
	c.sight.reset()
	s := c.newSession(term, end)
	var parts sync.WaitGroup
	parts.Go(func() { c.keep(ctx, s, end) })
	parts.Go(func() { s.run(ctx) })
	parts.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, flow.ErrTermOver) {
		return err
	}
	if c.dropped.Load() {
		s.sayDropped(ctx)
	}
	c.end(ctx, s.position())
	return err
}

// keep renews the term until ctx ends. While the database is away the watch goes on: nobody
// else can have it, and what is seen is written when the database is back.
func (c *cluster) keep(ctx context.Context, s *session, end context.CancelCauseFunc) {
	c.counts.held.Add(1)
	defer c.counts.held.Add(-1)
	for pause(ctx, c.options.Lease/3) {
		bound, cancel := context.WithTimeout(ctx, c.options.Lease/3)
		err := c.options.Terms.RenewTerm(bound, s.position(), c.options.Lease)
		cancel()
		if errors.Is(err, flow.ErrTermOver) {
			end(err)
		}
	}
}

// end gives the term up, so that another replica need not wait for it to run out.
func (c *cluster) end(ctx context.Context, term flow.WatchTerm) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopBound)
	defer cancel()
	if err := c.options.Terms.EndTerm(ctx, term); err != nil {
		c.log.Warn("giving the term up", "error", err)
	}
}

// pause waits about that long; false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d - d/8 + rand.N(max(d/4, 1)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

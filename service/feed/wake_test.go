package feed_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// busyStore lets something happen when a read of changes has been made and is not yet
// handed over.
type busyStore struct {
	*store
	once      sync.Once
	meanwhile func()
}

func (s *busyStore) ChangedSince(ctx context.Context, id string, since flow.Cursor) (flow.Delta, error) {
	d, err := s.store.ChangedSince(ctx, id, since)
	if since != flow.NoCursor {
		s.once.Do(s.meanwhile)
	}
	return d, err
}

// The flow changes while its changes are read, and is said to: nothing else ever says so.
func TestAWakeThatComesDuringAReadIsNotLost(t *testing.T) {
	t.Parallel()
	st := newStore()
	reader := &busyStore{store: st}
	hub := feed.New(reader, feed.Options{PollInterval: time.Hour, Coalesce: -1})
	reader.meanwhile = func() {
		put(st, "f", "b", flow.Running)
		hub.Wake("f")
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	t.Cleanup(func() { stop(); must(<-done) })
	put(st, "f", "a", flow.Pending)
	c := open(t, hub, st, "f", flow.NoCursor)
	c.converge()
	put(st, "f", "a", flow.Running)
	hub.Wake("f")
	c.converge()
}

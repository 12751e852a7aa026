package feed_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// lateReader gives cursors as they were when it was asked, once the gate is open.
type lateReader struct {
	*store
	gate  chan struct{}
	asked atomic.Int64
}

func (r *lateReader) Cursors(ctx context.Context, ids []string) (map[string]flow.Cursor, error) {
	r.asked.Add(1)
	got, err := r.store.Cursors(ctx, ids)
	<-r.gate
	return got, err
}

func TestSnapshotsShareACursorReadThatBeganAfterTheyWereAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &lateReader{store: newStore(), gate: make(chan struct{})}
		hub := feed.New(r, feed.Options{})
		put(r.store, "f", "a", flow.Running)
		put(r.store, "g", "a", flow.Running)
		got := make(chan flow.Cursor)
		ask := func(id string) {
			s, err := hub.Snapshot(t.Context(), id)
			if err != nil {
				t.Error(err)
			}
			got <- s.Cursor
		}
		go ask("f")
		synctest.Wait() // the first read is under way, and knows nothing of what is written now
		at := put(r.store, "f", "a", flow.Failed)
		for range 10 {
			go ask("f")
			go ask("g")
		}
		synctest.Wait()
		close(r.gate)
		var fresh int
		for range 21 {
			if <-got == at {
				fresh++
			}
		}
		if fresh < 10 || r.asked.Load() != 2 {
			t.Errorf("%d snapshots of the new state, want 10 at least; %d reads, want 2", fresh, r.asked.Load())
		}
	})
}

// Whoever begins gets a snapshot that is not older than the last write on any replica, though
// an older one is kept and what followed it is at hand.
func TestWhoBeginsGetsNoOldSnapshot(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	put(st, "f", "a", flow.Pending)
	there := open(t, hub, st, "f", flow.NoCursor)
	there.converge()
	put(st, "f", "a", flow.Running)
	hub.Wake("f")
	there.converge()
	at := put(st, "f", "a", flow.Succeeded) // which nobody has announced
	b, err := open(t, hub, st, "f", flow.NoCursor).sub.Next(within(t))
	if err != nil || b.After != at {
		t.Errorf("it begins at %v, want %v: %v", b.After, at, err)
	}
}

package feed_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// setup gives a store, and a hub on it whose poll is out of the way unless asked for.
func setup(t *testing.T, opts feed.Options) (*store, *feed.Hub) {
	t.Helper()
	if opts.PollInterval == 0 {
		opts.PollInterval = time.Hour
	}
	opts.RetryMin, opts.RetryMax = time.Millisecond, 5*time.Millisecond
	st := newStore()
	hub, stop := start(st, opts)
	t.Cleanup(stop)
	return st, hub
}

func put(st *store, id, job string, s flow.Status) flow.Cursor {
	return st.write(id, func(f *storedFlow, v int64) { f.putJob(v, flow.Job{ID: job, Name: job, Status: s}) })
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, hub *feed.Hub, st *store, id string, last flow.Cursor) *client {
	t.Helper()
	c := connect(t, hub, st, id, last)
	t.Cleanup(c.close)
	return c
}

// quiet asserts that there is nothing to send.
func quiet(t *testing.T, c *client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if b, err := c.sub.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, %v; want nothing", b, err)
	}
}

func only(t *testing.T, b feed.Batch, event string) feed.Frame {
	t.Helper()
	if len(b.Frames) != 1 || b.Frames[0].Event != event {
		t.Fatalf("got %v, want one %s", b.Frames, event)
	}
	return b.Frames[0]
}

func TestResumeGetsExactlyWhatChanged(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	put(st, "f", "a", flow.Running)
	then := put(st, "f", "b", flow.Running)
	put(st, "f", "c", flow.Running)

	f := only(t, open(t, hub, st, "f", then).next(func(int) int { return 0 }), flow.TypeUpsertNodes)
	if s := string(f.Data); strings.Contains(s, `"id":"b"`) || !strings.Contains(s, `"id":"c"`) {
		t.Fatalf("got %s", s)
	}
}

func TestResumeAtTheHeadGetsNothingUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	c := open(t, hub, st, "f", put(st, "f", "a", flow.Running))
	c.state = st.state("f")
	quiet(t, c)
	put(st, "f", "a", flow.Succeeded)
	hub.Wake("f")
	only(t, c.next(whole), flow.TypeUpsertNodes)
}

func TestUnknownCursorGetsASnapshot(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	at := put(st, "f", "a", flow.Running)
	old := put(st, "f", "b", flow.Running)
	put(st, "f", "b", flow.Failed)
	st.expire("f")
	for name, last := range map[string]flow.Cursor{
		"none": flow.NoCursor, "foreign": {Epoch: "x", Version: 1}, "expired": old,
		"from the future": {Epoch: at.Epoch, Version: 99},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, hub, st, "f", last)
			defer c.close()
			c.last = flow.NoCursor
			only(t, c.next(whole), flow.TypeSnapshot)
		})
	}
}

func TestCursorOfAReplicaThatIsAheadIsKept(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	put(st, "f", "a", flow.Running)
	behind := open(t, hub, st, "f", flow.NoCursor)
	behind.next(whole)

	c := open(t, hub, st, "f", put(st, "f", "b", flow.Running)) // this replica was not woken
	quiet(t, c)
	put(st, "f", "c", flow.Running)
	hub.Wake("f")
	if b := c.next(func(int) int { return 0 }); b.Frames[0].Event != flow.TypeUpsertNodes {
		t.Fatalf("got %v", b)
	}
	behind.converge()
}

func TestManyAtOneCursorCostOneRead(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]flow.Cursor{"snapshot": flow.NoCursor, "catch-up": {Epoch: "e1", Version: 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, hub := setup(t, feed.Options{})
			for _, job := range []string{"a", "b", "c"} {
				put(st, "f", job, flow.Running)
			}
			var all sync.WaitGroup
			for range 500 {
				all.Go(func() {
					c := connect(t, hub, st, "f", since)
					defer c.close()
					c.converge()
				})
			}
			all.Wait()
			if n := st.readsFrom(since); n != 1 {
				t.Fatalf("%d reads", n)
			}
		})
	}
}

func TestSlowReaderHoldsUpNobodyAndMissesNothing(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{RingSegments: 2, Coalesce: -1})
	put(st, "f", "a", flow.Running)
	slow, quick := open(t, hub, st, "f", flow.NoCursor), open(t, hub, st, "f", flow.NoCursor)
	slow.next(whole)
	quick.converge()
	for i := range 20 {
		put(st, "f", "b"+string(rune('a'+i)), flow.Running)
		hub.Wake("f")
		quick.converge()
	}
	b := slow.next(whole)
	only(t, b, flow.TypeUpsertNodes)
	if !slow.state.equal(st.state("f")) {
		t.Fatal("one batch did not bring the slow reader up to date")
	}
}

func TestReaderWithinTheRingGetsAllItMissedWithoutARead(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{Coalesce: -1})
	at := put(st, "f", "a", flow.Running)
	slow, quick := open(t, hub, st, "f", flow.NoCursor), open(t, hub, st, "f", flow.NoCursor)
	slow.next(whole)
	quick.converge()
	for _, job := range []string{"b", "c", "d"} {
		put(st, "f", job, flow.Running)
		hub.Wake("f")
		quick.converge()
	}
	reads := hub.Stats().Reads
	b := slow.next(whole)
	if len(b.Frames) != 3 || b.Before != at || b.After != quick.last || hub.Stats().Reads != reads {
		t.Fatalf("got %v after %d reads", b, hub.Stats().Reads-reads)
	}
}

func TestLostWakeIsMadeUpByThePoll(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{PollInterval: 5 * time.Millisecond})
	put(st, "f", "a", flow.Running)
	c := open(t, hub, st, "f", flow.NoCursor)
	c.converge()
	put(st, "f", "a", flow.Failed)
	c.converge()
}

func TestResyncReadsWhatWasMissed(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	put(st, "f", "a", flow.Running)
	c := open(t, hub, st, "f", flow.NoCursor)
	c.converge()
	put(st, "f", "a", flow.Failed)
	hub.Resync()
	c.converge()
}

func TestDeploymentWithoutAFlow(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	st.deploy("d")
	c := open(t, hub, st, "d", flow.Cursor{Epoch: "x", Version: 7})
	b := c.next(whole)
	only(t, b, flow.TypeSnapshot)
	if flow.ParseCursor(b.After.String()) != flow.NoCursor {
		t.Fatalf("cursor %q", b.After)
	}
	quiet(t, c)
	put(st, "d", "a", flow.Running)
	hub.Wake("d")
	only(t, c.next(whole), flow.TypeSnapshot)
	c.converge()
}

func TestUnknownIDIsNotFound(t *testing.T) {
	t.Parallel()
	_, hub := setup(t, feed.Options{})
	if _, err := hub.Subscribe(within(t), "x", flow.NoCursor); flow.CodeOf(err) != flow.NotFound {
		t.Fatalf("got %v", err)
	}
	if _, err := hub.Snapshot(within(t), "x"); flow.CodeOf(err) != flow.NotFound {
		t.Fatalf("got %v", err)
	}
}

func TestDeletedFlowEndsItsSubscriptions(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	for name, again := range map[string]bool{"deleted": false, "made again": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			put(st, name, "a", flow.Running)
			c := open(t, hub, st, name, flow.NoCursor)
			c.next(whole)
			st.remove(name)
			if again {
				put(st, name, "b", flow.Running)
			}
			hub.Wake(name)
			if _, err := c.sub.Next(within(t)); !errors.Is(err, feed.ErrGone) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestAwaitEndsWhenTheFlowAppears(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{PollInterval: 5 * time.Millisecond})
	done := make(chan error, 1)
	go func() { done <- hub.Await(within(t), "f") }()
	st.awaitPolls(2)
	put(st, "f", "a", flow.Running)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

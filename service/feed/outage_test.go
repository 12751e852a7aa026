package feed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

func TestOutageIsToldOnceAndEndsNothing(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_123)
	st, hub := setup(t, feed.Options{PollInterval: 2 * time.Millisecond, Now: func() time.Time { return now }})
	at := put(st, "f", "a", flow.Running)
	c := open(t, hub, st, "f", flow.NoCursor)
	c.converge()

	st.setAway(true)
	b := c.next(whole)
	f := only(t, b, feed.EventAvailability)
	if string(f.Data) != `{"database":"unavailable","since":1700000000123}` || b.Before != at || b.After != at {
		t.Fatalf("got %s in %v", f.Data, b)
	}
	quiet(t, c)
	st.setAway(false)
	if f := only(t, c.next(whole), feed.EventAvailability); string(f.Data) != `{"database":"available"}` {
		t.Fatalf("got %s", f.Data)
	}
	put(st, "f", "a", flow.Failed)
	c.converge()
}

func TestWritesDuringAnOutageArriveAfterIt(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{PollInterval: 2 * time.Millisecond})
	put(st, "f", "a", flow.Running)
	c := open(t, hub, st, "f", flow.NoCursor)
	c.converge()
	st.setAway(true)
	put(st, "f", "a", flow.Failed)
	hub.Wake("f")
	only(t, c.next(whole), feed.EventAvailability)
	st.setAway(false)
	c.converge()
}

// The poll finds again and again that such a flow is behind, and looks whenever a read fails.
func TestFlowThatCannotBeReadIsTriedAtItsPace(t *testing.T) {
	t.Parallel()
	st := newStore()
	hub, stop := start(st, feed.Options{PollInterval: time.Millisecond, Coalesce: -1, RetryMin: time.Hour, RetryMax: time.Hour})
	t.Cleanup(stop)
	at := put(st, "f", "a", flow.Running)
	c := open(t, hub, st, "f", flow.NoCursor)
	c.converge()
	st.mu.Lock()
	st.unreadable = true
	before := st.reads[at]
	st.mu.Unlock()
	put(st, "f", "a", flow.Failed)
	for st.readsFrom(at) == before {
		st.awaitPolls(1)
	}
	hub.Wake("f")
	st.awaitPolls(50)
	if n := st.readsFrom(at) - before; n != 1 {
		t.Fatalf("it was read %d times before the pause was over", n)
	}
}

func TestOutageWithAKnownSnapshot(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{PollInterval: 2 * time.Millisecond, Linger: -1})
	put(st, "f", "a", flow.Running)
	if _, err := hub.Snapshot(within(t), "f"); err != nil {
		t.Fatal(err)
	}
	st.setAway(true)
	c := open(t, hub, st, "f", flow.NoCursor)
	only(t, c.next(whole), flow.TypeSnapshot)
	if _, err := hub.Snapshot(within(t), "f"); flow.CodeOf(err) != flow.Unavailable {
		t.Fatalf("a snapshot that may be old was given: %v", err)
	}
	put(st, "f", "a", flow.Failed)
	st.setAway(false)
	c.converge()
}

func TestOutageWithNothingKnown(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	st.setAway(true)
	if _, err := hub.Subscribe(within(t), "f", flow.NoCursor); flow.CodeOf(err) != flow.Unavailable {
		t.Fatalf("got %v", err)
	}
}

func TestSnapshotIsCurrentAndCached(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	for i := range 3 {
		at := put(st, "f", "a", []flow.Status{flow.Pending, flow.Running, flow.Failed}[i])
		for range 5 {
			r, err := hub.Snapshot(within(t), "f")
			got := newState()
			got.apply(flow.TypeSnapshot, r.Body)
			if err != nil || r.Cursor != at || !got.equal(st.at(at)) {
				t.Fatalf("got %v at %v, %v", got, r.Cursor, err)
			}
		}
	}
	if n := st.readsFrom(flow.NoCursor); n != 3 {
		t.Fatalf("%d reads", n)
	}
}

func TestSnapshotThatBeganBeforeAWriteDoesNotHideIt(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{})
	put(st, "f", "a", flow.Running)
	hold := make(chan struct{})
	st.mu.Lock()
	st.hold = hold
	st.mu.Unlock()
	first := make(chan error, 1)
	ctx, leave := context.WithCancel(context.Background())
	asked := st.pollsFromNow(1)
	go func() { _, err := hub.Snapshot(ctx, "f"); first <- err }()
	asked()
	leave() // the one who began it leaves; the read goes on for the others
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	at := put(st, "f", "b", flow.Running)
	second := make(chan flow.Cursor, 1)
	asked = st.pollsFromNow(1)
	go func() { r, _ := hub.Snapshot(within(t), "f"); second <- r.Cursor }()
	asked()
	close(hold)
	if got := <-second; got != at {
		t.Fatalf("got %v, want %v", got, at)
	}
}

func TestStopEndsSubscriptions(t *testing.T) {
	t.Parallel()
	st := newStore()
	hub, stop := start(st, feed.Options{})
	c := connect(t, hub, st, "f", put(st, "f", "a", flow.Running))
	defer c.close()
	stop()
	if _, err := c.sub.Next(within(t)); !errors.Is(err, feed.ErrStopped) {
		t.Fatalf("got %v", err)
	}
	if _, err := hub.Subscribe(within(t), "f", flow.NoCursor); flow.CodeOf(err) != flow.Unavailable {
		t.Fatalf("got %v", err)
	}
}

func TestTopicEndsAfterItsLastSubscriber(t *testing.T) {
	t.Parallel()
	st, hub := setup(t, feed.Options{Linger: time.Millisecond})
	put(st, "f", "a", flow.Running)
	c := connect(t, hub, st, "f", flow.NoCursor)
	c.converge()
	if n := hub.Stats(); n.Topics != 1 || n.Subscribers != 1 {
		t.Fatalf("%+v", n)
	}
	c.close()
	for deadline := time.Now().Add(bound); hub.Stats().Topics > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the topic stays")
		}
		hub.Wake("f") // wakes do not keep it
	}
}

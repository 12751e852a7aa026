package feed_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

const dep = "dep-1"

// start runs a hub; the function it gives stops it and waits for the end.
func start(st *store, opts feed.Options) (*feed.Hub, func()) {
	hub := feed.New(st, opts)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	return hub, func() { cancel(); must(<-done) }
}

func TestFoldEqualsStoreAtEveryCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		defer w.stop()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.step(t)
		}
		w.st.setAway(false)
		for _, c := range w.clients {
			c.converge()
		}
	})
}

// world is one flow of one deployment, its hub, and clients that come, go and dawdle.
type world struct {
	st      *store
	hub     *feed.Hub
	clients []*client
	end     func()
}

func newWorld(t *rapid.T) *world {
	w := &world{st: newStore()}
	w.st.deploy(dep)
	w.hub, w.end = start(w.st, feed.Options{
		PollInterval: 3 * time.Millisecond, Coalesce: -1, RetryMin: time.Millisecond, RetryMax: 3 * time.Millisecond,
		RingSegments:  rapid.IntRange(1, 4).Draw(t, "ring"),
		RingBytes:     rapid.SampledFrom([]int{1, 500, 1 << 20}).Draw(t, "ringBytes"),
		SnapshotBytes: rapid.SampledFrom([]int{1, 1 << 20}).Draw(t, "snapshotBytes"),
		Linger:        rapid.SampledFrom([]time.Duration{-1, time.Millisecond, time.Minute}).Draw(t, "linger"),
	})
	// Something is always watched, so that there is always a poll to wait for.
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- w.hub.Await(ctx, "never") }()
	stop := w.end
	w.end = func() { leave(); <-left; stop() }
	for range rapid.IntRange(1, 4).Draw(t, "clients") {
		w.clients = append(w.clients, connect(t, w.hub, w.st, dep, flow.NoCursor))
	}
	return w
}

func (w *world) stop() {
	for _, c := range w.clients {
		c.close()
	}
	w.end()
}

func (w *world) step(t *rapid.T) {
	c := rapid.SampledFrom(w.clients).Draw(t, "client")
	switch rapid.IntRange(0, 19).Draw(t, "action") {
	case 0:
		w.st.remove(dep)
	case 1:
		w.st.expire(dep)
	case 2:
		w.flicker(t)
	case 3:
		c.last = rapid.SampledFrom([]flow.Cursor{flow.NoCursor, {Epoch: "other", Version: 3}, {Epoch: c.last.Epoch, Version: c.last.Version}}).Draw(t, "last")
		c.reconnect()
	case 4, 5:
		w.pull(c, func(n int) int { return rapid.IntRange(0, n).Draw(t, "cut") })
	case 6, 7, 8, 9:
		w.pull(c, whole)
	case 10:
		c.converge()
	default:
		w.write(t)
	}
	for range rapid.IntRange(0, 2).Draw(t, "wakes") {
		w.hub.Wake(dep)
	}
	// The first client is often quick, so that the others lag by several segments.
	if rapid.Bool().Draw(t, "follow") {
		w.clients[0].converge()
	}
}

// pull takes a batch when there must be one: Next would wait for ever otherwise.
func (w *world) pull(c *client, cut func(int) int) {
	if !c.state.equal(w.st.state(dep)) {
		c.next(cut)
	}
}

// flicker takes the database away, for long enough that the hub notices or not.
func (w *world) flicker(t *rapid.T) {
	w.st.setAway(true)
	w.hub.Wake(dep)
	w.st.awaitPolls(rapid.SampledFrom([]int{0, 1, 4}).Draw(t, "polls"))
	w.st.setAway(false)
}

func (w *world) write(t *rapid.T) {
	job := fmt.Sprintf("%s:j%d", dep, rapid.IntRange(0, 4).Draw(t, "job"))
	other := fmt.Sprintf("%s:j%d", dep, rapid.IntRange(0, 4).Draw(t, "other"))
	key := flow.RelationshipKey{FromID: job, ToID: other, Type: flow.FinishToStart}
	status := rapid.SampledFrom([]flow.Status{flow.Pending, flow.Running, flow.Succeeded, flow.Failed}).Draw(t, "status")
	kind := rapid.IntRange(0, 8).Draw(t, "kind")
	visible := rapid.Bool().Draw(t, "visible")
	w.st.write(dep, func(f *storedFlow, v int64) {
		switch kind {
		case 0, 1, 2:
			f.putJob(v, flow.Job{ID: job, Name: job, Status: status})
		case 3:
			f.removeJob(v, job)
		case 4:
			f.relate(v, flow.Relationship{RelationshipKey: key, Visible: visible})
		case 5:
			f.unrelate(v, key)
		case 6:
			f.row.Status, f.rowAt = status, v
		case 7: // several at once: a batch of several frames
			f.putJob(v, flow.Job{ID: job, Name: job, Status: status})
			f.relate(v, flow.Relationship{RelationshipKey: key, Visible: true})
			f.removeJob(v, other)
			f.row.Status, f.rowAt = status, v
		} // 8: nothing a client sees
	})
}

package modeltest

import (
	"context"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// world is one flow on two replicas, its writers and its subscribers.
type world struct {
	replicas []*replica
	truth    *truth
	clients  []*client
	sent     []request
	saved    *saved
	database *database
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":                     w.follow,
		"event":                func(t *rapid.T) { w.write(t, w.replica(t), drawEvents(t)) },
		"again":                w.repeat,
		"several together":     w.together,
		"message":              func(t *rapid.T) { w.write(t, w.replica(t), drawMessage(t, w.truth.id)) },
		"message ":             func(t *rapid.T) { w.write(t, w.replica(t), drawMessage(t, w.truth.id)) },
		"several in one":       w.batch,
		"message, twice":       w.twice,
		"subscribe":            w.subscribe,
		"resume anywhere":      w.resume,
		"read":                 w.read,
		"read and break off":   w.breakOff,
		"stall":                func(t *rapid.T) { c := w.client(t); c.stalled = !c.stalled },
		"lose notifications":   func(t *rapid.T) { w.notify(t, 0) },
		"double notifications": func(t *rapid.T) { w.notify(t, 2) },
		"kill the listener":    seldom(func(*rapid.T) { w.database.killListeners() }),
		"cut the links":        seldom(func(t *rapid.T) { w.replica(t).proxy.Cut() }),
		"database away":        seldom(w.away),
		"restart a replica":    seldom(func(t *rapid.T) { w.replica(t).restart(drawOptions(t)) }),
		"delete the flow":      w.remove,
		"expire tombstones":    w.expire,
		"save":                 func(*rapid.T) { w.saved = w.database.save(w.truth.id) },
		"restore":              w.restore,
	}
}

// seldom is for what costs new connections, the dearest thing here.
func seldom(do func(*rapid.T)) func(*rapid.T) {
	return func(t *rapid.T) {
		if rapid.IntRange(0, 3).Draw(t, "seldom") == 0 {
			do(t)
		}
	}
}

func (w *world) replica(t *rapid.T) *replica {
	return w.replicas[rapid.IntRange(0, len(w.replicas)-1).Draw(t, "replica")]
}

func (w *world) client(t *rapid.T) *client {
	return w.clients[rapid.IntRange(0, len(w.clients)-1).Draw(t, "client")]
}

// drawOptions makes what a hub remembers small or large, so that every way to serve a
// subscriber is taken.
func drawOptions(t *rapid.T) feed.Options {
	return options(
		rapid.SampledFrom([]int{1, 3, 64}).Draw(t, "ring"), rapid.SampledFrom([]int{1, 1 << 20}).Draw(t, "snapshots"),
		rapid.SampledFrom([]time.Duration{-1, time.Millisecond, time.Minute}).Draw(t, "linger"))
}

func options(ring, snapshots int, linger time.Duration) feed.Options {
	return feed.Options{
		PollInterval: 30 * time.Millisecond, Coalesce: time.Millisecond, RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond,
		RingSegments: ring, SnapshotBytes: snapshots, Linger: linger,
	}
}

// follow has those who read get everything after some of the steps; who does not lags.
func (w *world) follow(t *rapid.T) {
	if len(w.clients) == 0 || !rapid.Bool().Draw(t, "follow") {
		return
	}
	if c := w.clients[0]; !c.stalled {
		c.converge()
	}
}

// end: whoever lags, comes back or begins now holds what the database holds.
func (w *world) end(t *rapid.T) {
	for _, r := range w.replicas {
		w.clients = append(w.clients, subscribe(t, w.truth, r, flow.NoCursor))
	}
	for _, c := range w.clients {
		c.converge()
		c.close()
	}
	w.truth.deltas()
	wrong, err := w.truth.store.CheckRollUps(context.Background(), w.truth.id)
	if err != nil || len(wrong) > 0 {
		t.Fatalf("roll-ups: %v %v", wrong, err)
	}
}

func (w *world) subscribe(t *rapid.T) {
	if len(w.clients) < 5 {
		w.clients = append(w.clients, subscribe(t, w.truth, w.replica(t), flow.NoCursor))
	}
}

// resume puts a client at any cursor there ever was, or at one from nowhere.
func (w *world) resume(t *rapid.T) {
	last := flow.Cursor{Epoch: "other", Version: 3}
	if i := rapid.IntRange(0, len(w.truth.known)).Draw(t, "cursor"); i > 0 {
		last = w.truth.known[i-1]
	}
	i := rapid.IntRange(0, len(w.clients)-1).Draw(t, "client")
	w.clients[i].close()
	w.clients[i] = subscribe(t, w.truth, w.replica(t), last)
}

func (w *world) read(t *rapid.T) {
	if c := w.client(t); !c.there() && !c.stalled {
		c.next(whole)
	}
}

func (w *world) breakOff(t *rapid.T) {
	if c := w.client(t); !c.there() && !c.stalled {
		c.next(func(n int) int { return rapid.IntRange(0, n).Draw(t, "frames") })
	}
}

// repeat sends something again that was acknowledged in this life of the flow.
func (w *world) repeat(t *rapid.T) {
	var again []request
	for _, q := range w.sent {
		if q.keyed && q.life == len(w.truth.lives)-1 {
			again = append(again, q)
		}
	}
	if len(again) > 0 {
		q := rapid.SampledFrom(again).Draw(t, "again")
		w.wantNothing(t, "what was sent again", func() { w.write(t, w.replica(t), q) })
	}
}

// batch has several requests recorded in one transaction.
func (w *world) batch(t *rapid.T) {
	var all request
	for range rapid.IntRange(2, 4).Draw(t, "requests") {
		all.items = append(all.items, drawRequest(t, w.truth.id).items...)
	}
	w.write(t, w.replica(t), all)
}

// twice sends a message and sends it again: it is state, and the state is there.
func (w *world) twice(t *rapid.T) {
	q := drawMessage(t, w.truth.id)
	w.write(t, w.replica(t), q)
	w.wantNothing(t, "the same message", func() { w.write(t, w.replica(t), q) })
}

func (w *world) together(t *rapid.T) {
	var requests []request
	for range rapid.IntRange(2, 4).Draw(t, "requests") {
		requests = append(requests, drawRequest(t, w.truth.id))
	}
	w.writeTogether(t, requests)
}

func (w *world) notify(t *rapid.T, copies int) {
	if rapid.Bool().Draw(t, "no more") {
		copies = 1
	}
	w.replica(t).proxy.OnNotify(func(string) int { return copies })
}

// away takes the database from one replica until it has noticed, while the other writes.
func (w *world) away(t *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(t, "replica")
	w.replicas[i].proxy.Refuse(true)
	w.replicas[i].proxy.Cut()
	w.write(t, w.replicas[1-i], drawEvents(t))
	w.replicas[i].proxy.Refuse(false)
}

func (w *world) remove(t *rapid.T) {
	r := w.replica(t)
	w.retried(t, func(ctx context.Context) error {
		_, err := r.store.DeleteFlow(ctx, w.truth.id)
		return err
	})
	r.Announce(w.truth.id)
	w.truth.observe()
}

func (w *world) expire(t *rapid.T) {
	r := w.replica(t)
	w.wantNothing(t, "forgetting tombstones", func() {
		w.retried(t, func(ctx context.Context) error {
			_, err := r.store.PruneTombstones(ctx, time.Now().Add(time.Hour), 1000)
			return err
		})
		w.truth.observe()
	})
}

// restore puts the flow back to how it was when it was saved; what came after never was.
func (w *world) restore(t *rapid.T) {
	if w.saved == nil {
		return
	}
	w.database.restore(w.saved)
	w.truth.observe()
}

func (w *world) retried(t *rapid.T, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	for {
		err := do(ctx)
		if err == nil {
			return
		}
		if flow.CodeOf(err) != flow.Unavailable || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

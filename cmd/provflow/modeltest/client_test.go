package modeltest

import (
	"context"
	"errors"
	"fmt"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// client is a subscriber of a flow that folds what it gets, and checks every promise that
// can be checked on the way.
type client struct {
	t       rapid.TB
	truth   *truth
	replica *replica
	sub     *feed.Subscription
	at      flow.Cursor // as the last `id:` said
	life    int         // the one it has seen last; -1: none
	state   state
	empty   bool // it has got nothing yet
	stalled bool // it does not read for now
}

// subscribe opens a client that knows a cursor, and holds what belongs to it.
func subscribe(t rapid.TB, u *truth, r *replica, last flow.Cursor) *client {
	t.Helper()
	c := &client{t: t, truth: u, replica: r, at: last, life: -1, state: newState(), empty: true}
	if known, ok := u.states[last]; ok && last != flow.NoCursor {
		c.state, c.empty, c.life = known.clone(), false, u.lifeOf(last, 0)
	}
	c.connect()
	return c
}

// connect subscribes with the cursor as it travels, and again for as long as it is told to.
func (c *client) connect() {
	c.t.Helper()
	c.close()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	for {
		sub, err := c.replica.hub.Subscribe(ctx, c.truth.id, flow.ParseCursor(c.at.String()))
		if err == nil {
			c.sub = sub
			return
		}
		if flow.CodeOf(err) != flow.Unavailable || ctx.Err() != nil {
			c.t.Fatalf("subscribing at %v: %v", c.at, err)
		}
	}
}

func (c *client) close() {
	if c.sub != nil {
		c.sub.Close()
		c.sub = nil
	}
}

// next takes one batch in, or of one that is cut only the first frames.
func (c *client) next(cut func(frames int) int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	b, err := c.sub.Next(ctx)
	switch {
	case errors.Is(err, feed.ErrGone), errors.Is(err, feed.ErrStopped):
		c.connect()
		return
	case err != nil:
		c.t.Fatalf("at %v, with the flow at %v, nothing came: %v; the hub: %+v", c.at, c.truth.at, err, c.replica.hub.Stats())
	case b.Frames[0].Event == feed.EventAvailability:
		return
	}
	stood := c.stands(b.Before) // as long as it holds what it held before
	n := cut(len(b.Frames))
	for _, f := range b.Frames[:n] {
		if err := c.state.apply(f.Event, f.Data); err != nil {
			c.t.Fatalf("between %v and %v: %v", b.Before, b.After, err)
		}
	}
	if n == len(b.Frames) {
		c.arrive(b, stood)
		return
	}
	if n > 0 {
		c.at = b.Before
	}
	c.connect()
}

// arrive checks where a whole batch has led: from where the client stood, never back in
// time, and to what the database held there.
func (c *client) arrive(b feed.Batch, stood bool) {
	c.t.Helper()
	if err := c.forward(b, stood); err != nil {
		c.t.Fatalf("%v, in %s and more", err, b.Frames[0].Event)
	}
	c.at, c.empty = b.After, false
	c.truth.note(c.at, c.state)
}

func (c *client) forward(b feed.Batch, stood bool) error {
	life := c.truth.lifeOf(b.After, c.life)
	whole := b.Frames[0].Event == flow.TypeSnapshot
	switch {
	case life < 0:
		return fmt.Errorf("from %v to %v, which is no later history: %q", c.at, b.After, c.truth.lives)
	case !whole && !stood:
		return fmt.Errorf("a delta after %v for a client at %v", b.Before, c.at)
	case !whole && (b.After.Epoch != c.at.Epoch || b.After.Version <= c.at.Version):
		return fmt.Errorf("a delta from %v to %v", c.at, b.After)
	case life == c.life && c.at.Epoch == b.After.Epoch && b.After.Version < c.at.Version:
		return fmt.Errorf("back from %v to %v", c.at, b.After)
	}
	c.life = life
	return nil
}

// stands reports whether what the client holds is what there was at a cursor: a version
// that changed nothing to be seen is passed over without a frame.
func (c *client) stands(at flow.Cursor) bool {
	return c.at == at || c.at.Epoch == at.Epoch && c.at.Version < at.Version && c.truth.states[at].String() == c.state.String()
}

func whole(frames int) int { return frames }

// there reports whether the client has nothing more to learn.
func (c *client) there() bool { return !c.empty && c.stands(c.truth.at) }

// converge takes batches in until the client stands where the database does.
func (c *client) converge() {
	c.t.Helper()
	for !c.there() {
		c.next(whole)
	}
}

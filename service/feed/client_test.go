package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// bound is how long a test waits for what must come.
const bound = time.Minute

// state is what a client holds: the fold of the frames it got.
type state struct {
	flow  string
	nodes map[string]string
	rels  map[flow.RelationshipKey]string
}

func newState() state {
	return state{nodes: map[string]string{}, rels: map[flow.RelationshipKey]string{}}
}

func (s state) clone() state {
	c := newState()
	maps.Copy(c.nodes, s.nodes)
	maps.Copy(c.rels, s.rels)
	c.flow = s.flow
	return c
}

func (s state) equal(o state) bool {
	return s.flow == o.flow && maps.Equal(s.nodes, o.nodes) && maps.Equal(s.rels, o.rels)
}

type envelope struct {
	Type          string
	Flow          json.RawMessage
	Nodes         []json.RawMessage
	Relationships []json.RawMessage
	IDs           []string
	Pairs         []flow.RelationshipKey
}

func (s *state) apply(event string, data []byte) {
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil || event != feed.EventAvailability && e.Type != event {
		panic("bad frame " + event + " " + string(data))
	}
	if event == flow.TypeSnapshot {
		*s = newState()
	}
	if e.Flow != nil {
		s.flow = string(e.Flow)
	}
	for _, n := range e.Nodes {
		var key struct{ ID string }
		must(json.Unmarshal(n, &key))
		s.nodes[key.ID] = string(n)
	}
	for _, r := range e.Relationships {
		var key flow.RelationshipKey
		must(json.Unmarshal(r, &key))
		s.rels[key] = string(r)
	}
	for _, id := range e.IDs {
		delete(s.nodes, id)
	}
	for _, k := range e.Pairs {
		delete(s.rels, k)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// fataler is what *testing.T and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// client folds what it gets and checks every promise that can be checked on the way.
type client struct {
	t     fataler
	hub   *feed.Hub
	store *store
	id    string
	sub   *feed.Subscription
	last  flow.Cursor // as the last `id:` said
	state state
}

func connect(t fataler, hub *feed.Hub, st *store, id string, last flow.Cursor) *client {
	t.Helper()
	c := &client{t: t, hub: hub, store: st, id: id, last: last, state: st.at(last).clone()}
	c.reconnect()
	return c
}

func (c *client) reconnect() {
	c.t.Helper()
	c.close()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	sub, err := c.hub.Subscribe(ctx, c.id, flow.ParseCursor(c.last.String()))
	if err != nil {
		c.t.Fatalf("subscribing: %v", err)
	}
	c.sub = sub
}

func (c *client) close() {
	if c.sub != nil {
		c.sub.Close()
		c.sub = nil
	}
}

// next takes a batch in; of a cut one only the first frames, and then it comes back.
func (c *client) next(cut func(n int) int) feed.Batch {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	b, err := c.sub.Next(ctx)
	if errors.Is(err, feed.ErrGone) {
		c.reconnect()
		return b
	}
	if err != nil {
		c.t.Fatalf("at %v: %v", c.last, err)
	}
	n := cut(len(b.Frames))
	for _, f := range b.Frames[:n] {
		c.state.apply(f.Event, f.Data)
	}
	if n < len(b.Frames) {
		if n > 0 {
			c.last = b.Before
		}
		c.reconnect()
		return b
	}
	if b.Frames[0].Event != feed.EventAvailability {
		c.arrive(b.After)
	}
	return b
}

func (c *client) arrive(at flow.Cursor) {
	c.t.Helper()
	if at.Epoch == c.last.Epoch && at.Version < c.last.Version {
		c.t.Fatalf("went back from %v to %v", c.last, at)
	}
	c.last = at
	if want := c.store.at(at); at.Epoch != "" && !c.state.equal(want) {
		c.t.Fatalf("at %v: the fold is\n%v\nand the store was\n%v", at, c.state, want)
	}
}

func whole(n int) int { return n }

// converge takes batches until the client sees what the store holds.
func (c *client) converge() {
	c.t.Helper()
	for !c.state.equal(c.store.state(c.id)) {
		c.next(whole)
	}
}

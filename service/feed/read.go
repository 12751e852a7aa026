package feed

import (
	"slices"

	"github.com/openova-io/provflow/service/flow"
)

// turn does what there is to do: look for changes, then serve some requests.
func (t *topic) turn() (looked bool, err error) {
	if looked = t.stale.Swap(false); looked {
		err = t.advance()
	}
	if err == nil {
		err = t.serveSome()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failing = err != nil; t.failing {
		t.stale.Store(true)
	}
	return looked, err
}

// advance reads once and answers those who asked for a look before it began.
func (t *topic) advance() error {
	t.mu.Lock()
	serving, since, was := t.asked, t.cursor, t.state
	t.mu.Unlock()
	learned := t.learned.Swap(0)
	var err error
	if was == live {
		err = t.follow(since, learned)
	} else {
		err = t.resolve(was == absent)
	}
	if err != nil {
		t.learned.Store(learned) // it is still to be told
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered, t.err = serving, err
	t.broadcast()
	return err
}

// resolve finds out whether the flow exists. Only its cursor is read: what subscribers
// need besides, if anything, depends on what they know.
func (t *topic) resolve(known bool) error {
	ctx, cancel := t.hub.reading()
	defer cancel()
	current, err := t.hub.reader.Cursors(ctx, []string{t.id})
	if err != nil {
		// A rendered snapshot is something known: show it until the database is back.
		if r, ok := t.hub.snaps.get(t.id); ok && !known {
			t.goLive(r.Cursor)
		}
		return err
	}
	if c, exists := current[t.id]; exists {
		t.goLive(c)
		return nil
	}
	d, err := t.hub.reader.Deployment(ctx, t.id)
	switch {
	case isNotFound(err):
		return t.goAbsent(nil)
	case err != nil:
		return err
	}
	return t.goAbsent(&d)
}

// goAbsent notes that there is no flow. A deployment that was there and is not any more
// ends the topic.
func (t *topic) goAbsent(d *flow.Deployment) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = absent
	if d == nil {
		if t.empty != nil {
			return ErrGone
		}
		return nil
	}
	r, err := renderSnapshot(flow.EmptySnapshot(*d), flow.NoCursor)
	if err == nil {
		f := r.frame()
		t.empty = &f
	}
	return err
}

func (t *topic) goLive(at flow.Cursor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state, t.cursor = live, at
	t.ring.clear()
	t.past.clear()
}

// follow reads what changed since the topic's cursor and puts it into the ring.
func (t *topic) follow(since flow.Cursor, learned int64) error {
	d, err := t.hub.changedSince(t.id, since)
	switch {
	case isNotFound(err):
		return ErrGone
	case err != nil:
		return err
	case !covers(d.To, since):
		return ErrGone // another history, or one that was cut short
	case d.Reset:
		t.goLive(d.To)
		_, err = t.hub.keep(t.id, d)
		return err
	case d.To == since:
		return nil
	}
	s, err := t.encode(since, d)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.learned = learned
	t.cursor = s.to
	t.ring.push(s)
	return nil
}

func (t *topic) encode(since flow.Cursor, d flow.Delta) (*segment, error) {
	t.hub.counts.encodes.Add(1)
	return renderChanges(t.id, since, d)
}

// serveSome serves the oldest requests and asks for another turn when there are more.
func (t *topic) serveSome() error {
	t.mu.Lock()
	some := slices.Clone(t.pending[:min(perTurn, len(t.pending))])
	more := len(t.pending) > len(some)
	t.mu.Unlock()
	for _, r := range some {
		s, err := t.serve(r.since)
		if err != nil {
			return err
		}
		t.deliver(r, s)
	}
	if more {
		signal(t.wake)
	}
	return nil
}

// serve reads what a request needs.
func (t *topic) serve(since flow.Cursor) (*segment, error) {
	t.mu.Lock()
	at := t.cursor
	t.mu.Unlock()
	s, err := t.catchUp(since, at)
	switch {
	case isNotFound(err):
		return nil, ErrGone
	case err != nil:
		return nil, err
	case s.to.Epoch != at.Epoch:
		return nil, ErrGone
	}
	return s, nil
}

func (t *topic) catchUp(since, at flow.Cursor) (*segment, error) {
	if since == flow.NoCursor {
		r, err := t.hub.rendered(t.hub.ctx, t.id, at)
		return r.segment(), err
	}
	d, err := t.hub.changedSince(t.id, since)
	if err != nil {
		return nil, err
	}
	if d.Reset {
		r, err := t.hub.keep(t.id, d)
		return r.segment(), err
	}
	return t.encode(since, d)
}

// deliver hands a segment to all who share the request, and keeps it for those who will
// come with the same cursor. Snapshots are kept elsewhere, for all flows together.
func (t *topic) deliver(r *request, s *segment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.got = s
	t.pending = slices.DeleteFunc(t.pending, func(p *request) bool { return p == r })
	if s.from != flow.NoCursor {
		t.past.add(s)
	}
	t.broadcast()
}

// request asks for what follows a cursor, or joins those who did; with mu held.
func (t *topic) request(since flow.Cursor) *request {
	for _, s := range t.past.segments {
		if s.from == since && t.ring.reaches(s.to.Version, t.cursor) {
			return &request{since: since, got: s}
		}
	}
	for _, r := range t.pending {
		if r.since == since {
			return r
		}
	}
	r := &request{since: since}
	t.pending = append(t.pending, r)
	signal(t.wake)
	return r
}

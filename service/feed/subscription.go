package feed

import (
	"context"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Batch is what a subscriber gets in one go. When it has taken in all frames it stands
// at After; after some of them it still stands at Before, so only the last frame may
// carry After as its id.
type Batch struct {
	Frames        []Frame
	Before, After flow.Cursor

	learned int64 // as the newest segment's
}

// Subscription is one subscriber's place in a flow. Next is for one goroutine; Close
// may be called from any, more than once.
type Subscription struct {
	topic *topic
	close sync.Once

	at       flow.Cursor // what the client knows
	least    flow.Cursor // its first snapshot is not older
	asked    *request    // what it waits for
	known    bool        // `at` is known to be a point in the flow's history
	sawEmpty bool        // it has the snapshot of a deployment without a flow
	toldDown bool        // it knows that the database is away
}

func newSubscription(t *topic, last, least flow.Cursor) *Subscription {
	t.hub.counts.subscribers.Add(1)
	return &Subscription{topic: t, at: last, least: least}
}

// Close gives the subscription up.
func (s *Subscription) Close() {
	s.close.Do(func() {
		s.topic.hub.counts.subscribers.Add(-1)
		s.topic.hub.release(s.topic)
	})
}

// Empty reports whether there is no flow yet, only a deployment.
func (s *Subscription) Empty() bool {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	return s.topic.state == absent
}

// Next blocks until there is something the client does not know, and gives all of it
// up to now. It ends with ErrGone, ErrStopped, or ctx's error; after the latter it may
// be called again and nothing is lost.
func (s *Subscription) Next(ctx context.Context) (Batch, error) {
	waited := false
	for {
		down, since, healthChanged := s.topic.hub.health.state()
		b, changed, err := s.take(down)
		if err != nil || len(b.Frames) > 0 {
			s.tell(b, waited)
			return b, err
		}
		if down != s.toldDown {
			s.toldDown = down
			return Batch{Frames: []Frame{availability(down, since)}, Before: s.at, After: s.at}, nil
		}
		waited = true
		select {
		case <-changed:
		case <-healthChanged:
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		case <-s.topic.hub.ctx.Done():
			return Batch{}, ErrStopped
		}
	}
}

// tell says how long the batch was under way. One that lay ready before it was asked for
// says how slow the client is, or how long it was away, and nothing of us.
func (s *Subscription) tell(b Batch, waited bool) {
	if o := &s.topic.hub.opts; waited && b.learned != 0 {
		o.OnFrame(time.Duration(o.Now().UnixNano() - b.learned))
	}
}

// take gives what is there now, or a channel that is closed when that changes.
func (s *Subscription) take(down bool) (Batch, <-chan struct{}, error) {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if t.state == gone {
			return Batch{}, nil, ErrGone
		}
		b, moved := s.step(down)
		if !moved || len(b.Frames) > 0 {
			return b, t.changed, nil
		}
	}
}

// step makes one move, which may be one without frames; with the topic's mu held.
func (s *Subscription) step(down bool) (Batch, bool) {
	t := s.topic
	switch {
	case s.asked != nil && s.asked.got == nil:
		return Batch{}, false
	case s.asked != nil:
		got := s.asked.got
		s.asked = nil
		return s.move(got.frames, got.to)
	case t.state != live:
		return s.stepEmpty()
	case s.at.Epoch != t.cursor.Epoch:
		return s.stepSnapshot(down)
	}
	return s.stepChanges()
}

func (s *Subscription) move(frames []Frame, to flow.Cursor) (Batch, bool) {
	b := Batch{Frames: frames, Before: s.at, After: to}
	s.at, s.known = to, true
	return b, true
}

func (s *Subscription) stepEmpty() (Batch, bool) {
	if s.sawEmpty || s.topic.empty == nil {
		return Batch{}, false
	}
	s.sawEmpty = true
	return s.move([]Frame{*s.topic.empty}, flow.NoCursor)
}

// stepSnapshot takes the kept snapshot when it is new enough and what followed it is at
// hand. With the database away any is better than none.
func (s *Subscription) stepSnapshot(down bool) (Batch, bool) {
	t := s.topic
	r, ok := t.hub.snaps.get(t.id)
	if ok && r.Cursor.Epoch == t.cursor.Epoch && r.Cursor.Version >= s.least.Version &&
		(down || t.ring.reaches(r.Cursor.Version, t.cursor)) {
		t.hub.counts.hits.Add(1)
		return s.move([]Frame{r.frame()}, r.Cursor)
	}
	s.asked = t.request(flow.NoCursor)
	return Batch{}, s.asked.got != nil
}

// stepChanges takes all segments that follow, or asks for a catch-up. The cursor a
// client came with must be looked up when it is ahead of what this replica has read: it
// may be from another replica, or from nowhere.
func (s *Subscription) stepChanges() (Batch, bool) {
	t := s.topic
	at, head := s.at.Version, t.cursor.Version
	if at == head {
		s.known = true
	}
	if at >= head && s.known {
		return Batch{}, false
	}
	if after := t.ring.after(at, !s.known); len(after) > 0 {
		b, moved := s.move(join(after), t.cursor)
		b.learned = after[len(after)-1].learned
		return b, moved
	}
	s.asked = t.request(s.at)
	return Batch{}, s.asked.got != nil
}

// join lines up the frames of segments; of one alone they are shared, not copied.
func join(segments []*segment) []Frame {
	if len(segments) == 1 {
		return segments[0].frames
	}
	var frames []Frame
	for _, s := range segments {
		frames = append(frames, s.frames...)
	}
	return frames
}

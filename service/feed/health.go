package feed

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// health is what the poll knows of the database. Only the poll decides, so that one
// flow that cannot be read does not pass for a database that is away.
type health struct {
	mu      sync.Mutex
	down    bool
	since   time.Time
	changed chan struct{} // closed and replaced with every change

	parent context.Context
	era    context.Context // ends when the database goes, and with it the reads that hang on it
	end    context.CancelFunc
}

func (s *health) init(parent context.Context) {
	s.parent, s.changed = parent, make(chan struct{})
	s.era, s.end = context.WithCancel(parent)
}

// state gives what is known and a channel that is closed when it is no longer so.
func (s *health) state() (down bool, since time.Time, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down, s.since, s.changed
}

// set notes whether the database is away since that time; true when this is news.
func (s *health) set(down bool, since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down == down {
		return false
	}
	s.down, s.since = down, since
	close(s.changed)
	s.changed = make(chan struct{})
	if s.end(); !down {
		s.era, s.end = context.WithCancel(s.parent)
	}
	return true
}

// reading gives the context of one read.
func (h *Hub) reading() (context.Context, context.CancelFunc) {
	s := &h.health
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return context.WithTimeout(h.ctx, pollTimeout)
	}
	return context.WithTimeout(s.era, readTimeout)
}

func availability(down bool, since time.Time) Frame {
	data := `{"database":"available"}`
	if down {
		data = fmt.Sprintf(`{"database":"unavailable","since":%d}`, since.UnixMilli())
	}
	return Frame{Event: EventAvailability, Data: []byte(data)}
}

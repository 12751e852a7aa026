package access

import (
	"maps"
	"sync"
	"time"
)

// mostRemembered bounds what is kept; who sends made-up tokens must not fill the memory.
const mostRemembered = 10_000

// memory holds what credentials were found to be, by their hash, for a short while.
type memory struct {
	life time.Duration
	now  func() time.Time
	mu   sync.Mutex
	of   map[Hash]finding
}

type finding struct {
	principal Principal
	refused   error
	until     time.Time
}

func newMemory(life time.Duration, now func() time.Time) *memory {
	return &memory{life: life, now: now, of: map[Hash]finding{}}
}

// get gives a finding that is still good. A principal whose time ended meanwhile is not.
func (m *memory) get(key Hash) (p Principal, ok bool, refused error) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.of[key]
	if !ok || !now.Before(f.until) || f.principal.Expired(now) {
		return Principal{}, false, nil
	}
	return f.principal, true, f.refused
}

func (m *memory) put(key Hash, p Principal, refused error) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.of) >= mostRemembered {
		maps.DeleteFunc(m.of, func(_ Hash, f finding) bool { return !now.Before(f.until) })
	}
	if len(m.of) >= mostRemembered {
		clear(m.of) // costs a look-up each, and no more
	}
	m.of[key] = finding{p, refused, now.Add(m.life)}
}

func (m *memory) drop(key Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.of, key)
}

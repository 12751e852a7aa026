package feed

import (
	"container/list"
	"sync"
)

// snapshots keeps the newest rendered snapshot of each flow, the least recently used
// going first when all of them together are too many bytes.
type snapshots struct {
	mu      sync.Mutex
	limit   int
	bytes   int
	order   *list.List // of *kept, most recently used first
	byFlow  map[string]*list.Element
	flights map[string]*flight
}

type kept struct {
	flowID string
	Rendered
}

// flight is a read of a whole flow that is under way, and who waits for it.
type flight struct {
	done chan struct{}
	Rendered
	err error
}

func newSnapshots(limit int) *snapshots {
	return &snapshots{limit: limit, order: list.New(), byFlow: map[string]*list.Element{}, flights: map[string]*flight{}}
}

func (s *snapshots) get(flowID string) (Rendered, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byFlow[flowID]
	if e == nil {
		return Rendered{}, false
	}
	s.order.MoveToFront(e)
	return e.Value.(*kept).Rendered, true
}

// put keeps r unless something newer of the same history is there.
func (s *snapshots) put(flowID string, r Rendered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byFlow[flowID]; e != nil {
		if covers(e.Value.(*kept).Cursor, r.Cursor) {
			return
		}
		s.remove(e)
	}
	s.byFlow[flowID] = s.order.PushFront(&kept{flowID, r})
	s.bytes += len(r.Body)
	for s.bytes > s.limit {
		s.remove(s.order.Back())
	}
}

func (s *snapshots) forget(flowID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byFlow[flowID]; e != nil {
		s.remove(e)
	}
}

func (s *snapshots) remove(e *list.Element) {
	k := s.order.Remove(e).(*kept)
	delete(s.byFlow, k.flowID)
	s.bytes -= len(k.Body)
}

// join gives the flow's flight; it is new when begun is true, and the caller's to fly.
func (s *snapshots) join(flowID string) (f *flight, begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.flights[flowID]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	s.flights[flowID] = f
	return f, true
}

func (s *snapshots) land(flowID string, f *flight, r Rendered, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flights, flowID)
	f.Rendered, f.err = r, err
	close(f.done)
}

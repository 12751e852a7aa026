package record

import "slices"

// queue is what waits for a flow's next transaction.
type queue struct {
	waiting []*request
	busy    bool // in a transaction
	alone   bool // its next transaction is to be its own
}

// turn is what one transaction does for one flow.
type turn struct {
	flowID string
	batch  []*request
}

// queues are those of all flows that are written or wait for it.
type queues struct {
	byFlow   map[string]*queue
	ready    []string // flows that wait and are not busy, in the order in which they began to
	requests int      // that wait
	items    int      // that these are
}

func (s *queues) add(flowID string, req *request) {
	q := s.byFlow[flowID]
	if q == nil {
		q = &queue{}
		s.byFlow[flowID] = q
	}
	if len(q.waiting) == 0 && !q.busy {
		s.ready = append(s.ready, flowID)
	}
	q.waiting = append(q.waiting, req)
	s.count(+1, req)
}

// count notes that requests have come, or have gone.
func (s *queues) count(sign int, reqs ...*request) {
	s.requests += sign * len(reqs)
	for _, req := range reqs {
		s.items += sign * len(req.items)
	}
}

// next takes what the next transaction does: for the flow that waits longest, and for
// others after it as long as all of it is no more than limit items. may says which flows
// can share a transaction.
func (s *queues) next(limit int, may func(flowID string, batch []*request) bool) (turns []turn) {
	size, full := 0, false
	s.ready = slices.DeleteFunc(s.ready, func(flowID string) bool {
		q := s.byFlow[flowID]
		n, items := q.head(limit)
		shared := !q.alone && may(flowID, q.waiting[:n])
		if full || len(turns) > 0 && (!shared || size+items > limit) {
			return false
		}
		full = !shared
		turns = append(turns, turn{flowID, q.waiting[:n:n]})
		q.waiting, q.busy, q.alone = q.waiting[n:], true, false
		size += items
		s.count(-1, turns[len(turns)-1].batch...)
		return true
	})
	return turns
}

// head says how many requests, and items, of a queue a transaction takes at most: one
// request at least.
func (q *queue) head(limit int) (n, items int) {
	for n < len(q.waiting) && (n == 0 || items+len(q.waiting[n].items) <= limit) {
		items += len(q.waiting[n].items)
		n++
	}
	return n, items
}

// done ends a transaction's turns; flows for which nothing waits are forgotten.
func (s *queues) done(turns []turn) {
	for _, t := range turns {
		q := s.byFlow[t.flowID]
		if q.busy = false; len(q.waiting) > 0 {
			s.ready = append(s.ready, t.flowID)
		} else {
			delete(s.byFlow, t.flowID)
		}
	}
}

func requests(turns []turn) (n int) {
	for _, t := range turns {
		n += len(t.batch)
	}
	return n
}

// back puts a turn to the head of its queue again, for a transaction of its own.
func (s *queues) back(t turn) {
	q := s.byFlow[t.flowID]
	q.waiting, q.alone = append(t.batch, q.waiting...), true
	s.count(+1, t.batch...)
}

package feed

import (
	"slices"

	"github.com/openova-io/provflow/service/flow"
)

// ring keeps the newest segments of one epoch, the last one whatever its size. With
// push each begins where the one before it ends; after and reaches need that.
type ring struct {
	maxCount, maxBytes int
	segments           []*segment
	bytes              int
}

func (r *ring) clear() { r.segments, r.bytes = nil, 0 }

func (r *ring) push(s *segment) {
	if last := r.last(); last != nil && len(last.frames)+len(s.frames) == 0 {
		r.segments[len(r.segments)-1] = &segment{from: last.from, to: s.to}
		return
	}
	r.add(s)
}

// add keeps a segment that need not follow on from the others.
func (r *ring) add(s *segment) {
	r.segments = append(r.segments, s)
	r.bytes += s.size
	for len(r.segments) > 1 && (len(r.segments) > r.maxCount || r.bytes > r.maxBytes) {
		r.bytes -= r.segments[0].size
		r.segments[0] = nil
		r.segments = r.segments[1:]
	}
}

func (r *ring) last() *segment {
	if len(r.segments) == 0 {
		return nil
	}
	return r.segments[len(r.segments)-1]
}

// reaches reports whether who stands at v can go on from here without a read; head is
// where the ring ends.
func (r *ring) reaches(v int64, head flow.Cursor) bool {
	if len(r.segments) == 0 {
		return v >= head.Version
	}
	return v >= r.segments[0].from.Version
}

// after gives what follows v; nothing when v is before the ring or at its end. With
// exact, only when v is where a segment begins: the answer then has no row that v knew.
func (r *ring) after(v int64, exact bool) []*segment {
	i, found := slices.BinarySearchFunc(r.segments, v, func(s *segment, v int64) int {
		switch {
		case s.to.Version <= v:
			return -1
		case s.from.Version > v:
			return 1
		}
		return 0
	})
	if !found || exact && r.segments[i].from.Version != v {
		return nil
	}
	return r.segments[i:]
}

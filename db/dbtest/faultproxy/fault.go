package faultproxy

import (
	"sync"
	"time"
)

// Kind is what happens to a trip.
type Kind string

// The kinds of faults.
const (
	Lost      Kind = "lost"      // the link breaks before the server hears of the request
	Refused   Kind = "refused"   // the server answers with an error (SQLSTATE 40001) in place of doing it
	Unheard   Kind = "unheard"   // the server has done it; the link breaks before the client hears of it
	Slow      Kind = "slow"      // the answer comes late, by Delay
	Abandoned Kind = "abandoned" // the server has done it; Then is called and the answer never comes
)

// Kinds lists all of them.
var Kinds = []Kind{Lost, Refused, Unheard, Slow, Abandoned}

// Fault is one thing that goes wrong with one trip.
type Fault struct {
	Trip  int // from Arm on, beginning with 1
	Kind  Kind
	Delay time.Duration // of Slow
	Then  func()        // of Abandoned; must not block
}

// faults counts trips and knows which one is to fail.
type faults struct {
	mu    sync.Mutex
	armed *Fault
	trips int
}

// Arm counts trips anew, over all connections together, and breaks one of them.
func (p *Proxy) Arm(f Fault) { p.faults.arm(&f) }

// Disarm lets everything pass; it gives the trips since Arm and whether the fault was met.
func (p *Proxy) Disarm() (trips int, met bool) {
	armed, trips := p.faults.arm(nil)
	return trips, armed != nil && trips >= armed.Trip
}

func (s *faults) arm(f *Fault) (before *Fault, trips int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, trips = s.armed, s.trips
	s.armed, s.trips = f, 0
	return before, trips
}

// next counts a trip; met says that the fault is meant for it.
func (s *faults) next() (f Fault, met bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trips++
	if s.armed == nil || s.trips != s.armed.Trip {
		return Fault{}, false
	}
	return *s.armed, true
}

package upstream

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxFailures in a row open a breaker.
	maxFailures = 5
	// minOpen and maxOpen bound how long it stays open; each failed trial doubles it.
	minOpen = 5 * time.Second
	maxOpen = time.Minute
)

// outcome is how a call to a host went.
type outcome int

const (
	answered  outcome = iota // it is there, whatever it said
	failed                   // it is not, or it is not well
	abandoned                // the caller left: nothing is known
)

// breakers holds a breaker for each host that has lately failed. The others need none.
type breakers struct {
	now func() time.Time
	log *slog.Logger

	mu    sync.Mutex
	hosts map[string]*breaker
}

// breaker is closed below maxFailures, then open until a time, then half-open: one call
// may try, and the others are still refused.
type breaker struct {
	failures int
	open     time.Duration
	until    time.Time
	trying   bool
}

func newBreakers(now func() time.Time, log *slog.Logger) *breakers {
	return &breakers{now: now, log: log, hosts: map[string]*breaker{}}
}

// allow refuses a call to a host that is known to fail. Whoever is let through says how
// it went, once.
func (bs *breakers) allow(host string) (done func(outcome), err error) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.hosts[host]
	if b == nil || b.failures < maxFailures {
		return func(o outcome) { bs.note(host, o, false) }, nil
	}
	if wait := b.until.Sub(bs.now()); wait > 0 || b.trying {
		return nil, fmt.Errorf("%s has failed %d times in a row; it is tried again in %s", host, b.failures, max(wait, 0).Round(time.Second))
	}
	b.trying = true
	return func(o outcome) { bs.note(host, o, true) }, nil
}

func (bs *breakers) note(host string, o outcome, trial bool) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.hosts[host]
	if trial && b != nil {
		b.trying = false
	}
	switch o {
	case answered:
		if b != nil && b.failures >= maxFailures {
			bs.log.Info("an upstream answers again", "host", host)
		}
		delete(bs.hosts, host)
	case failed:
		bs.fail(host, b)
	}
}

func (bs *breakers) fail(host string, b *breaker) {
	now := bs.now()
	if b == nil {
		bs.sweep(now)
		b = &breaker{}
		bs.hosts[host] = b
	}
	b.failures++
	// Of calls that were under way when it opened, none makes it longer.
	if b.failures >= maxFailures && !now.Before(b.until) {
		b.open = min(max(2*b.open, minOpen), maxOpen)
		b.until = now.Add(b.open)
		bs.log.Warn("an upstream has failed too often and is left alone", "host", host, "failures", b.failures, "for", b.open)
	}
}

// sweep forgets hosts that nobody has asked for a while, so that the map stays as small
// as what is in use.
func (bs *breakers) sweep(now time.Time) {
	const many = 1000
	if len(bs.hosts) < many {
		return
	}
	for host, b := range bs.hosts {
		if !b.trying && now.Sub(b.until) > maxOpen {
			delete(bs.hosts, host)
		}
	}
}

// open counts the hosts to which nothing is sent now.
func (bs *breakers) open() (n int) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for _, b := range bs.hosts {
		if b.failures >= maxFailures {
			n++
		}
	}
	return n
}

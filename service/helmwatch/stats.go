package helmwatch

import "sync/atomic"

// Stats are plain numbers of what a watcher does.
type Stats struct {
	Clusters int64 // it is to watch
	Held     int64 // of these, watched by this replica
	Blind    int64 // of these, it cannot look at now
	Events   int64 // recorded about releases
	Lines    int64 // recorded of controllers
}

type counts struct{ held, events, lines atomic.Int64 }

// Stats may be called at any time.
func (w *Watcher) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Stats{
		Clusters: int64(len(w.clusters)), Held: w.counts.held.Load(), Events: w.counts.events.Load(), Lines: w.counts.lines.Load(),
	}
	for _, c := range w.clusters {
		if _, why := c.sight.lost(); why != nil {
			s.Blind++
		}
	}
	return s
}

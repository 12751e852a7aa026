package record

import "time"

// mostPause bounds what gathering adds to an answer.
const mostPause = 2 * time.Millisecond

// gathering is a worker's pause between two transactions: until as many requests wait as came
// up to then, or enough to fill the next one, or a quarter of the last one's time has passed.
// Writers that send the next event when the last one is acknowledged come back a moment
// after their answer: without the pause the first of them would get a transaction to itself
// while all others wait, and so on, so that every second transaction would be of one event.
// A lone writer is never waited for.
type gathering struct {
	wanted int           // requests
	enough chan struct{} // closed when so many wait
}

func (g *gathering) wait(most time.Duration) {
	if g == nil {
		return
	}
	pause := time.NewTimer(min(most, mostPause))
	defer pause.Stop()
	select {
	case <-g.enough:
	case <-pause.C:
	}
}

// enough tells who gathers when what he wants is there; with mu held.
func (r *Recorder) enough() {
	if g := r.gathering; g != nil && (r.queues.requests >= g.wanted || r.queues.items >= r.options.BatchSize) {
		close(g.enough)
		r.gathering = nil
	}
}

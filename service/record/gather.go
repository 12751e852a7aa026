package record

import "time"

// mostPause bounds what gather adds to an answer.
const mostPause = 2 * time.Millisecond

// gather waits, after a transaction of that many requests, until as many wait as came up
// to now, or enough to fill the next one, or a quarter of its time has passed. Writers that
// send the next event when the last one is acknowledged come back a moment after their
// answer: without the pause the first of them would get a transaction to itself while all
// others wait, and so on, so that every second transaction would be of one event. A lone
// writer is never waited for.
func (r *Recorder) gather(flowID string, last int, took time.Duration) {
	enough := r.whenBack(flowID, last)
	if enough == nil {
		return
	}
	pause := time.NewTimer(min(took/4, mostPause))
	defer pause.Stop()
	select {
	case <-enough:
	case <-pause.C:
	}
}

// whenBack gives a channel that is closed once those who were answered are back; nil
// where there is nobody to wait for.
func (r *Recorder) whenBack(flowID string, answered int) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[flowID]
	q.wanted = answered + len(q.waiting)
	if answered == 0 || q.wanted < 2 || q.size >= r.options.BatchSize {
		return nil
	}
	q.enough = make(chan struct{})
	return q.enough
}

// add appends a request; with the recorder's mu held.
func (q *queue) add(req *request, batchSize int) {
	q.waiting = append(q.waiting, req)
	q.size += len(req.items)
	if q.enough != nil && (len(q.waiting) >= q.wanted || q.size >= batchSize) {
		close(q.enough)
		q.enough = nil
	}
}

package record

// wake has what waits taken: by who gathers, else by another worker, where there may be one
// more. With mu held.
func (r *Recorder) wake() {
	if r.gathering != nil {
		r.enough()
		return
	}
	if r.running < r.options.Transactions && len(r.queues.ready) > 0 {
		r.running++
		r.work.Add(1)
		go r.run()
	}
}

// run does one transaction after another until nothing waits.
func (r *Recorder) run() {
	defer r.work.Done()
	for turns := r.next(nil); len(turns) > 0; {
		begun := r.options.Now()
		left := r.carryOut(turns)
		took := r.options.Now().Sub(begun)
		g, needed := r.expect(turns, left)
		if !needed {
			return
		}
		g.wait(took / 4)
		turns = r.next(g)
	}
}

// next takes what the next transaction does, and has others look after the rest; with
// nothing to do it ends the worker.
func (r *Recorder) next(g *gathering) []turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gathering == g {
		r.gathering = nil
	}
	turns := r.queues.next(r.options.BatchSize, r.mayShare)
	if len(turns) == 0 {
		r.running--
		return nil
	}
	r.wake()
	return turns
}

// mayShare reports that a flow may be written in one transaction with others: one whose
// graph has to be read would hold them up, and so would one whose watcher may be too late.
func (r *Recorder) mayShare(flowID string, batch []*request) bool {
	return r.graphs.has(flowID) && len(fencesOf(batch)) == 0
}

// carryOut runs the transaction, and gives those that are left to transactions of their own.
func (r *Recorder) carryOut(turns []turn) (left []turn) {
	if len(turns) > 1 {
		return r.together(turns)
	}
	r.commit(turns[0].flowID, turns[0].batch)
	return nil
}

// expect ends a transaction's turns and says what is to be waited for: nothing where there
// is nobody to wait for. One worker gathers for all: where another one does, this one is
// not needed any more.
func (r *Recorder) expect(turns, left []turn) (g *gathering, needed bool) {
	answered := requests(turns) - requests(left)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range left {
		r.queues.back(t)
	}
	r.queues.done(turns)
	if r.gathering != nil {
		r.gathering.wanted += answered
		r.running--
		r.enough()
		return nil, false
	}
	if wanted := answered + r.queues.requests; answered > 0 && wanted > 1 {
		g = &gathering{wanted, make(chan struct{})}
		r.gathering = g
		r.enough()
	}
	return g, true
}

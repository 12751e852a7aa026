package flow

import "time"

// What a roll-up counts is needed with every event, and who is in what changes with few
// of them. So the leaves of each group, and of the flow, are listed once for each shape of
// the graph (which jobs there are, which of them are groups, which edges are shown), and
// counted once; a leaf that changes then changes the counts. An event costs the same in
// a flow of fifty jobs and of five thousand.

// leafList is the leaves of a group or of the flow, and what they add up to.
type leafList struct {
	shape   uint64 // of the graph when they were listed
	nodes   []*node
	counted bool
	tally   Tally
	bridged int  // how many are the bridge's
	reopen  bool // the leaf that ended last began again: LastFinish is not before the last end
}

// reshaped says that leaves listed before are not true any more.
func (g *Graph) reshaped() { g.shape++ }

// leaf is what a roll-up sees of a job: of a group that runs itself, its own run; of one
// that was set aside, nothing.
type leaf struct {
	status            Status
	started, finished time.Time
	aside, bridged    bool
}

func (j *Job) leaf() leaf {
	l := leaf{status: j.Status, started: j.StartedAt, finished: j.FinishedAt, bridged: j.Source == SourceBridge}
	if j.runs() {
		l.status, l.started, l.finished = j.Run.Status, j.Run.StartedAt, j.Run.FinishedAt
	} else if l.bridged && j.Status == Pending && j.State == StateCancelled {
		l.aside, l.started, l.finished = true, time.Time{}, time.Time{}
	}
	return l
}

// Own is the run by which a roll-up counts the job; false where it counts nowhere: a group
// that only contains, and what was set aside.
func (j Job) Own() (Run, bool) {
	l := j.leaf()
	return Run{l.status, l.started, l.finished}, !l.aside && (j.Type != TypeGroup || j.runs())
}

// runs reports a group that runs itself.
func (j *Job) runs() bool { return j.Run.Status != "" }

// isLeaf reports what counts in a roll-up.
func (n *node) isLeaf() bool { return !n.isGroup() || n.job.runs() }

// below is what counts in a group: what it contains that is no group, at any depth, and
// every run of a group, its own among them.
func (g *Graph) below(group *node) *leafList {
	l := &group.leaves
	if l.shape != g.shape {
		l.begin(g.shape)
		l.add(group)
		g.visit(group, (*node).shownIn, l.add, Contains)
	}
	return l
}

// all is every job that is no group, and every run of a group.
func (g *Graph) all() *leafList {
	l := &g.leaves
	if l.shape != g.shape {
		l.begin(g.shape)
		for _, n := range g.nodes {
			if n.job != nil {
				l.add(n)
			}
		}
	}
	return l
}

func (l *leafList) begin(shape uint64) { *l = leafList{shape: shape, nodes: l.nodes[:0]} }

func (l *leafList) add(n *node) {
	if n.isLeaf() {
		l.nodes = append(l.nodes, n)
	}
}

// count adds the leaves up, and says whether any of them is the bridge's.
func (l *leafList) count() (Tally, bool) {
	if !l.counted || l.reopen && l.tally.Done() {
		l.counted, l.reopen, l.tally, l.bridged = true, false, Tally{}, 0
		for _, n := range l.nodes {
			l.take(n.job.leaf())
		}
	}
	return l.tally, l.bridged > 0
}

func (l *leafList) take(f leaf) {
	if f.bridged {
		l.bridged++
	}
	if !f.aside {
		l.tally.Add(f.status, f.started, f.finished)
	}
}

func (l *leafList) drop(f leaf) {
	if f.bridged {
		l.bridged--
	}
	if !f.aside {
		l.tally.drop(f.status)
	}
}

// changed keeps the counts in step with a leaf that was written.
func (g *Graph) changed(n *node, old *Job) {
	if !n.isLeaf() {
		return
	}
	was, is := old.leaf(), n.job.leaf()
	g.leaves.change(g.shape, was, is)
	n.leaves.change(g.shape, was, is)
	g.visit(n, (*node).shownOut, func(group *node) { group.leaves.change(g.shape, was, is) }, Contains)
}

func (l *leafList) change(shape uint64, was, is leaf) {
	if l.shape != shape || !l.counted {
		return
	}
	if was.started.Equal(l.tally.FirstStart) && !is.started.Equal(was.started) {
		l.counted = false // who begins first now is not known
		return
	}
	l.reopen = (l.reopen || was.finished.Equal(l.tally.LastFinish)) && is.finished.Before(l.tally.LastFinish)
	l.drop(was)
	l.take(is)
}

package flow

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

// below is what a group contains that is no group, at any depth.
func (g *Graph) below(group *node) *leafList {
	l := &group.leaves
	if l.shape != g.shape {
		l.begin(g.shape)
		down := func(n *node) []*edge { return shown(n.in) }
		g.visit(group, down, l.add, Contains)
	}
	return l
}

// all is every job that is no group.
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
	if !n.isGroup() {
		l.nodes = append(l.nodes, n)
	}
}

// count adds the leaves up, and says whether any of them is the bridge's.
func (l *leafList) count() (Tally, bool) {
	if !l.counted || l.reopen && l.tally.Done() {
		l.counted, l.reopen, l.tally, l.bridged = true, false, Tally{}, 0
		for _, n := range l.nodes {
			l.take(n.job)
		}
	}
	return l.tally, l.bridged > 0
}

func (l *leafList) take(j *Job) {
	l.tally.Add(j.Status, j.StartedAt, j.FinishedAt)
	if j.Source == SourceBridge {
		l.bridged++
	}
}

// changed keeps the counts in step with a leaf that was written.
func (g *Graph) changed(n *node, old *Job) {
	if n.isGroup() {
		return
	}
	g.leaves.change(g.shape, old, n.job)
	up := func(n *node) []*edge { return shown(n.out) }
	g.visit(n, up, func(group *node) { group.leaves.change(g.shape, old, n.job) }, Contains)
}

func (l *leafList) change(shape uint64, old, j *Job) {
	if l.shape != shape || !l.counted {
		return
	}
	if old.StartedAt.Equal(l.tally.FirstStart) && !j.StartedAt.Equal(old.StartedAt) {
		l.counted = false // who begins first now is not known
		return
	}
	l.reopen = (l.reopen || old.FinishedAt.Equal(l.tally.LastFinish)) && j.FinishedAt.Before(l.tally.LastFinish)
	l.tally.drop(old.Status)
	if old.Source == SourceBridge {
		l.bridged--
	}
	l.take(j)
}

package flow

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"
)

// Settle derives everything that follows from what was written since the last call,
// and gives what has to be stored: rows in their order of appearance. The order of
// the steps matters: who contains whom decides roll-ups, and those decide who waits.
func (g *Graph) Settle() Changes {
	groups := g.groupsAround()
	for _, n := range groups {
		g.rollUp(n)
	}
	g.settleWaiting(groups)
	g.settleFlow()
	c := g.collect()
	g.dirty = newDirty()
	return c
}

// groupsAround lists the groups whose leaves may have changed, each once, in order.
func (g *Graph) groupsAround() []*node {
	found := map[*node]bool{}
	for n := range g.dirty.touched {
		if n.isGroup() || n.job != nil && n.job.Type == TypeGroup {
			found[n] = true
		}
		g.visit(n, (*node).shownOut, func(p *node) { found[p] = true }, Contains)
	}
	return sortedJobs(found)
}

func (g *Graph) rollUp(n *node) {
	if n.job == nil || !n.isGroup() {
		g.ungroup(n)
		return
	}
	t, _ := g.below(n).count()
	j := *n.job
	j.Status, j.StartedAt, j.FinishedAt = t.Group(), t.FirstStart, t.Finish()
	if j.Type != TypeGroup {
		j.Type = TypeGroup
		g.reshaped()
	}
	if !sameJob(*n.job, j) {
		n.job = &j
		g.dirty.jobs[n.id] = true
	}
}

// ungroup makes an emitter's job a leaf again when the last thing in it has gone.
func (g *Graph) ungroup(n *node) {
	if n.job == nil || n.job.Type != TypeGroup {
		return
	}
	j := *n.job
	j.Type = TypeInstall
	n.job = &j
	g.dirty.jobs[n.id] = true
	g.reshaped()
}

// settleWaiting derives WaitingOn again for the touched jobs and for everything that
// starts after one of them or after one of the groups that were rolled up.
func (g *Graph) settleWaiting(groups []*node) {
	look := maps.Clone(g.dirty.touched)
	for n := range g.dirty.touched {
		addDependents(look, n)
	}
	for _, n := range groups {
		look[n] = true
		addDependents(look, n)
	}
	for _, n := range sortedJobs(look) {
		waiting := n.waitingOn()
		if !slices.Equal(waiting, n.job.WaitingOn) {
			j := *n.job
			j.WaitingOn = waiting
			n.job = &j
			g.dirty.jobs[n.id] = true
		}
	}
}

func addDependents(set map[*node]bool, n *node) {
	for _, e := range n.out {
		if e.rel.Type == FinishToStart {
			set[e.to] = true
		}
	}
}

// waitingOn names the jobs a pending job still waits for: those that have not
// succeeded or, where the edge does not ask for success, have not ended.
func (n *node) waitingOn() []string {
	if n.job.Status != Pending {
		return nil
	}
	var ids []string
	for _, e := range n.in {
		if e.rel.Type == FinishToStart && e.rel.Visible && e.from.job != nil && !e.rel.SatisfiedBy(e.from.job.Status) {
			ids = append(ids, e.rel.FromID)
		}
	}
	slices.Sort(ids)
	return ids
}

// settleFlow derives the flow's own row from all its leaves, unless an emitter declared
// it and the bridge has no jobs in it.
func (g *Graph) settleFlow() {
	if len(g.dirty.touched) == 0 {
		return
	}
	t, bridged := g.all().count()
	if g.flow.Declared && !bridged {
		return
	}
	f := g.flow
	f.Status, f.StartedAt, f.EndedAt, f.FailedJobs = t.Flow(), t.FirstStart, t.Finish(), t.Failed
	g.PutFlow(f)
}

// Bridged reports whether the bridge has jobs in the flow: its status is then derived,
// whatever an emitter says of it.
func (g *Graph) Bridged() bool {
	_, bridged := g.all().count()
	return bridged
}

// PutFlow writes the flow's own row; an equal one changes nothing.
func (g *Graph) PutFlow(f Flow) {
	if f.Status != Running {
		f.Estimate = Estimate{} // of an end that has come, or that nothing is known of
	}
	if !sameFlow(g.flow, f) {
		g.flow = f
		g.dirty.flow = true
	}
}

// reveal derives whether an edge is shown, and looks again at what that changes.
func (g *Graph) reveal(e *edge) {
	visible := (e.from.job != nil || e.rel.FromFlowID != "") && (e.to.job != nil || e.rel.ToFlowID != "")
	if visible == e.rel.Visible {
		return
	}
	g.touchEnds(e)
	e.rel.Visible = visible
	if visible { // it appears now: a client that was there and one that comes later see it last
		e.rel.Position = g.next
		g.next++
	}
	g.reshaped()
	g.dirty.edges[e.rel.RelationshipKey] = true
	g.touchEnds(e)
}

// touchEnds marks both ends of an edge and, for `contains`, all that the parent is in.
func (g *Graph) touchEnds(e *edge) {
	g.dirty.touched[e.from] = true
	g.dirty.touched[e.to] = true
	if e.rel.Type == Contains {
		g.visit(e.to, (*node).shownOut, func(p *node) { g.dirty.touched[p] = true }, Contains)
	}
}

// isGroup reports a job that contains others. The bridge says of its own jobs which are
// groups, whatever an emitter puts into one of its installs.
func (n *node) isGroup() bool {
	if n.job != nil && n.job.Source == SourceBridge {
		return n.job.Type == TypeGroup
	}
	return slices.ContainsFunc(n.in, func(e *edge) bool { return e.rel.Type == Contains && e.rel.Visible && e.from.job != nil })
}

func (n *node) shownIn() []*edge  { return shown(n.in) }
func (n *node) shownOut() []*edge { return shown(n.out) }

// shown filters edges in place of a copy when all are visible, the usual case.
func shown(edges []*edge) []*edge {
	hidden := func(e *edge) bool { return !e.rel.Visible || e.from.job == nil || e.to.job == nil }
	if !slices.ContainsFunc(edges, hidden) {
		return edges
	}
	return slices.DeleteFunc(slices.Clone(edges), hidden)
}

// collect lists what has changed, in order of position, so that no map's order is seen.
func (g *Graph) collect() Changes {
	var c Changes
	if g.dirty.flow {
		f := g.flow
		c.Flow = &f
	}
	for id := range g.dirty.jobs {
		c.Jobs = append(c.Jobs, *g.nodes[id].job)
	}
	for k := range g.dirty.edges {
		c.Relationships = append(c.Relationships, g.edges[k].rel)
	}
	for id := range g.dirty.cursors {
		c.Cursors = append(c.Cursors, g.cursors[id])
	}
	for id := range g.dirty.heard {
		if !g.dirty.cursors[id] {
			c.Heard = append(c.Heard, g.cursors[id])
		}
	}
	slices.SortFunc(c.Jobs, func(a, b Job) int { return cmp.Compare(a.Position, b.Position) })
	slices.SortFunc(c.Relationships, func(a, b Relationship) int { return cmp.Compare(a.Position, b.Position) })
	byJob := func(a, b BridgeCursor) int { return cmp.Compare(a.JobID, b.JobID) }
	slices.SortFunc(c.Cursors, byJob)
	slices.SortFunc(c.Heard, byJob)
	c.RemovedJobs = slices.Sorted(maps.Keys(g.dirty.removed))
	c.RemovedRelationships = slices.SortedFunc(maps.Keys(g.dirty.unlinked), compareKeys)
	return c
}

func compareKeys(a, b RelationshipKey) int {
	return cmp.Or(cmp.Compare(a.FromID, b.FromID), cmp.Compare(a.ToID, b.ToID), cmp.Compare(a.Type, b.Type))
}

func sortedJobs(set map[*node]bool) []*node {
	var nodes []*node
	for n := range set {
		if n.job != nil {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, byPosition)
	return nodes
}

func sameJob(a, b Job) bool {
	return a.ID == b.ID && a.Name == b.Name && a.DisplayName == b.DisplayName && a.Type == b.Type &&
		a.Family == b.Family && a.AppID == b.AppID && a.Region == b.Region && a.Namespace == b.Namespace &&
		a.Chart == b.Chart && a.Source == b.Source && a.Status == b.Status && sameTime(a.StartedAt, b.StartedAt) &&
		sameTime(a.FinishedAt, b.FinishedAt) && a.State == b.State && a.Reason == b.Reason &&
		a.ChartVersion == b.ChartVersion && a.Attempt == b.Attempt && a.ExecutionID == b.ExecutionID &&
		slices.Equal(a.WaitingOn, b.WaitingOn) && bytes.Equal(a.Meta, b.Meta) && a.Action == b.Action &&
		a.Run.Status == b.Run.Status && sameTime(a.Run.StartedAt, b.Run.StartedAt) && sameTime(a.Run.FinishedAt, b.Run.FinishedAt)
}

func sameFlow(a, b Flow) bool {
	return a.ID == b.ID && a.DefinitionID == b.DefinitionID && a.ParentFlowID == b.ParentFlowID &&
		bytes.Equal(a.TriggeredBy, b.TriggeredBy) && a.Declared == b.Declared && a.Status == b.Status && sameTime(a.StartedAt, b.StartedAt) &&
		sameTime(a.EndedAt, b.EndedAt) && a.FailedJobs == b.FailedJobs && bytes.Equal(a.Meta, b.Meta) &&
		slices.Equal(a.Watches, b.Watches) && sameEstimate(a.Estimate, b.Estimate)
}

// sameTime compares as the database keeps times: in microseconds.
func sameTime(a, b time.Time) bool {
	return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond))
}

package flow

import (
	"cmp"
	"slices"
)

// Graph is one flow in memory, for the writer that holds the flow's lock. It keeps
// what is derived (roll-ups, waiting, visibility of edges, the flow's status) in step
// with what is written into it, and collects what has to be stored.
//
// It is not safe for concurrent use. After a failed write it must be thrown away.
type Graph struct {
	cursor  Cursor
	flow    Flow
	nodes   map[string]*node
	edges   map[RelationshipKey]*edge
	cursors map[string]BridgeCursor
	next    int64 // next free position

	dirty  dirty
	shape  uint64 // see leaves.go
	leaves leafList
	walk   uint64 // mark of the walk under way, so that walks need no set
}

// node is a job and its edges; a node without a job is an end that is not known yet.
type node struct {
	id      string
	job     *Job
	in, out []*edge
	seen    uint64
	leaves  leafList // of a group
}

type edge struct {
	rel      Relationship
	from, to *node
}

// dirty is what has changed since the last Settle.
type dirty struct {
	flow     bool
	jobs     map[string]bool
	removed  map[string]bool
	edges    map[RelationshipKey]bool
	unlinked map[RelationshipKey]bool
	cursors  map[string]bool
	heard    map[string]bool // cursors of which only it has changed when the job was last heard of
	touched  map[*node]bool  // jobs whose derived surroundings must be looked at again
}

func newDirty() dirty {
	return dirty{
		jobs: map[string]bool{}, removed: map[string]bool{}, cursors: map[string]bool{}, heard: map[string]bool{},
		edges: map[RelationshipKey]bool{}, unlinked: map[RelationshipKey]bool{}, touched: map[*node]bool{},
	}
}

// NewGraph gives the empty graph of a flow.
func NewGraph(flowID string) *Graph {
	return &Graph{
		flow:  Flow{ID: flowID, Status: Pending},
		nodes: map[string]*node{}, edges: map[RelationshipKey]*edge{}, cursors: map[string]BridgeCursor{},
		dirty: newDirty(), shape: 1,
	}
}

// Cursor is the point in history at which the graph stands.
func (g *Graph) Cursor() Cursor { return g.cursor }

// Flow is the flow's own row.
func (g *Graph) Flow() Flow { return g.flow }

// Load brings the graph up to date with its store. A reset empties it first.
func (g *Graph) Load(s State) {
	if s.Reset {
		*g = *NewGraph(g.flow.ID)
	}
	g.cursor = s.To
	if s.Flow != nil {
		g.flow = *s.Flow
	}
	for _, id := range s.RemovedJobs {
		g.drop(id)
	}
	for _, k := range s.RemovedRelationships {
		g.unlink(k)
	}
	for _, j := range s.Jobs {
		g.node(j.ID).job = &j
		g.next = max(g.next, j.Position+1)
	}
	for _, r := range s.Relationships {
		g.link(r)
	}
	for _, c := range s.Cursors {
		g.cursors[c.JobID] = c
	}
	if !s.Empty() {
		g.reshaped()
	}
	g.dirty = newDirty()
}

// Stored tells the graph that its changes are durable at that cursor.
func (g *Graph) Stored(at Cursor) { g.cursor = at }

// PutJob writes a whole job; one that is equal to what is there changes nothing.
func (g *Graph) PutJob(j Job) {
	n := g.node(j.ID)
	old := n.job
	if old != nil {
		j.Position, j.WaitingOn = old.Position, old.WaitingOn
		if sameJob(*old, j) {
			return
		}
	}
	n.job = &j
	if old == nil || old.Type != j.Type || old.runs() != j.runs() {
		g.reshaped()
	} else {
		g.changed(n, old)
	}
	g.dirty.jobs[j.ID] = true
	g.dirty.touched[n] = true
	if old == nil {
		g.appear(n)
	}
}

// appear gives a new job its place and shows the edges that waited for it.
func (g *Graph) appear(n *node) {
	n.job.Position = g.next
	g.next++
	for _, e := range n.edges() {
		g.reveal(e)
	}
}

// RemoveJob takes a job out. Its edges stay, unseen, until it is back or they are taken
// out; what the bridge remembers of it stays too, so that its attempts go on counting.
func (g *Graph) RemoveJob(id string) {
	n := g.nodes[id]
	if n == nil || n.job == nil {
		return
	}
	g.dirty.touched[n] = true
	g.drop(id)
	delete(g.dirty.jobs, id)
	g.dirty.removed[id] = true
	for _, e := range n.edges() {
		g.reveal(e)
	}
}

// Relate writes an edge; one that is equal to what is there changes nothing.
func (g *Graph) Relate(r Relationship) {
	r = r.within(g.flow.ID)
	if e := g.edges[r.RelationshipKey]; e != nil {
		r.Position, r.Visible = e.rel.Position, e.rel.Visible
		if e.rel == r {
			return
		}
		if e.rel.FromFlowID == r.FromFlowID && e.rel.ToFlowID == r.ToFlowID {
			e = g.link(r)
			g.dirty.edges[r.RelationshipKey] = true
			g.touchEnds(e)
			return
		}
		g.Unrelate(r.RelationshipKey) // with other ends it is another edge
	}
	r.Position, r.Visible = g.next, false
	g.next++
	e := g.link(r)
	g.dirty.edges[r.RelationshipKey] = true
	g.reveal(e)
}

// Unrelate takes an edge out.
func (g *Graph) Unrelate(k RelationshipKey) {
	e := g.edges[k]
	if e == nil {
		return
	}
	g.touchEnds(e)
	g.unlink(k)
	delete(g.dirty.edges, k)
	g.dirty.unlinked[k] = true
}

// BridgeCursor gives what the bridge remembers of a job; zero when nothing.
func (g *Graph) BridgeCursor(jobID string) BridgeCursor { return g.cursors[jobID] }

// PutBridgeCursor remembers it.
func (g *Graph) PutBridgeCursor(c BridgeCursor) {
	old := g.cursors[c.JobID]
	if old == c {
		return
	}
	g.cursors[c.JobID] = c
	if old.ActiveAt, old.EndedAt = c.ActiveAt, c.EndedAt; old == c {
		g.dirty.heard[c.JobID] = true
	} else {
		g.dirty.cursors[c.JobID] = true
	}
}

func (g *Graph) node(id string) *node {
	n := g.nodes[id]
	if n == nil {
		n = &node{id: id}
		g.nodes[id] = n
	}
	return n
}

// end gives the node at an edge's end. One in another flow is nobody's but the edge's.
func (g *Graph) end(flowID, id string) *node {
	if flowID != "" {
		return &node{id: id}
	}
	return g.node(id)
}

func (g *Graph) link(r Relationship) *edge {
	r = r.within(g.flow.ID)
	g.next = max(g.next, r.Position+1)
	if e := g.edges[r.RelationshipKey]; e != nil {
		if e.rel.FromFlowID == r.FromFlowID && e.rel.ToFlowID == r.ToFlowID {
			e.rel = r
			return e
		}
		g.unlink(r.RelationshipKey)
	}
	e := &edge{rel: r, from: g.end(r.FromFlowID, r.FromID), to: g.end(r.ToFlowID, r.ToID)}
	g.edges[r.RelationshipKey] = e
	e.from.out = append(e.from.out, e)
	e.to.in = append(e.to.in, e)
	g.reshaped()
	return e
}

func (g *Graph) unlink(k RelationshipKey) {
	e := g.edges[k]
	if e == nil {
		return
	}
	delete(g.edges, k)
	g.reshaped()
	same := func(o *edge) bool { return o == e }
	e.from.out = slices.DeleteFunc(e.from.out, same)
	e.to.in = slices.DeleteFunc(e.to.in, same)
	g.forget(e.from)
	g.forget(e.to)
}

func (g *Graph) drop(id string) {
	if n := g.nodes[id]; n != nil {
		n.job = nil
		g.reshaped()
		g.forget(n)
	}
}

// forget frees a node that stands for nothing any more.
func (g *Graph) forget(n *node) {
	if g.nodes[n.id] == n && n.job == nil && len(n.in)+len(n.out) == 0 {
		delete(g.nodes, n.id)
	}
}

func (n *node) edges() []*edge { return append(slices.Clone(n.in), n.out...) }

func byPosition(a, b *node) int { return cmp.Compare(a.job.Position, b.job.Position) }

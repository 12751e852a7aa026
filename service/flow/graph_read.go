package flow

import (
	"cmp"
	"slices"
)

// Job finds a job.
func (g *Graph) Job(id string) (Job, bool) {
	if n := g.nodes[id]; n != nil && n.job != nil {
		return *n.job, true
	}
	return Job{}, false
}

// IsGroup reports whether a job contains others now: what it is stored as says how it was
// when the graph was last settled.
func (g *Graph) IsGroup(id string) bool {
	n := g.nodes[id]
	return n != nil && n.isGroup()
}

// Dependencies lists the ids of the jobs of this flow that this one starts after, known or
// not, in the order in which they were named.
func (g *Graph) Dependencies(jobID string) []string {
	n := g.nodes[jobID]
	if n == nil {
		return nil
	}
	var ids []string
	for _, e := range n.in {
		if e.rel.Type == FinishToStart && e.rel.Local() {
			ids = append(ids, e.rel.FromID)
		}
	}
	return ids
}

// Contained lists the ids of the jobs directly inside a group, in the order in which they
// were put there.
func (g *Graph) Contained(groupID string) []string {
	n := g.nodes[groupID]
	if n == nil {
		return nil
	}
	var ids []string
	for _, e := range n.in {
		if e.rel.Type == Contains && e.from.job != nil {
			ids = append(ids, e.rel.FromID)
		}
	}
	return ids
}

// IsContained reports that a job is in some group.
func (g *Graph) IsContained(id string) bool {
	n := g.nodes[id]
	return n != nil && slices.ContainsFunc(shown(n.out), func(e *edge) bool { return e.rel.Type == Contains })
}

// Reaches reports whether there is a chain of edges of that type from one job to
// another. One pass over what lies between them.
func (g *Graph) Reaches(from, to string, typ RelationshipType) bool {
	start, goal := g.nodes[from], g.nodes[to]
	if start == nil || goal == nil {
		return false
	}
	found := start == goal
	g.visit(start, func(n *node) []*edge { return n.out }, func(n *node) { found = found || n == goal }, typ)
	return found
}

// JobsOf lists the ids of the jobs a source wrote, in their order.
func (g *Graph) JobsOf(source string) []string {
	var of []*node
	for _, n := range g.nodes {
		if n.job != nil && n.job.Source == source {
			of = append(of, n)
		}
	}
	slices.SortFunc(of, byPosition)
	ids := make([]string, len(of))
	for i, n := range of {
		ids[i] = n.id
	}
	return ids
}

// Relationships lists the edges for which keep holds, in their order.
func (g *Graph) Relationships(keep func(Relationship) bool) []Relationship {
	var rels []Relationship
	for _, e := range g.edges {
		if keep(e.rel) {
			rels = append(rels, e.rel)
		}
	}
	slices.SortFunc(rels, func(a, b Relationship) int { return cmp.Compare(a.Position, b.Position) })
	return rels
}

// Relationship finds an edge.
func (g *Graph) Relationship(k RelationshipKey) (Relationship, bool) {
	if e := g.edges[k]; e != nil {
		return e.rel, true
	}
	return Relationship{}, false
}

// visit walks along edges of one type in the given direction, each node once, the
// start not among them unless a cycle leads back to it.
func (g *Graph) visit(start *node, next func(*node) []*edge, do func(*node), typ RelationshipType) {
	g.walk++
	stack := []*node{start}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, e := range next(n) {
			other := e.to
			if other == n {
				other = e.from
			}
			if e.rel.Type != typ || other.seen == g.walk {
				continue
			}
			other.seen = g.walk
			do(other)
			stack = append(stack, other)
		}
	}
}

package bridge

import (
	"cmp"

	"github.com/openova-io/provflow/service/flow"
)

// onceEach makes one of the nodes that a message names more than once, in the place of the
// first: what is said later is laid over it. Applied one after the other they would change
// the node and change it back each time the message is sent.
func onceEach(nodes []NodePart) []NodePart {
	return merged(nodes, func(n NodePart) string { return n.ID }, func(first, later NodePart) NodePart {
		return NodePart{
			ID: first.ID, Label: cmp.Or(later.Label, first.Label), Status: cmp.Or(later.Status, first.Status),
			Family: cmp.Or(later.Family, first.Family), Region: cmp.Or(later.Region, first.Region),
			StartedAt: orKnownTime(later.StartedAt, first.StartedAt), EndedAt: orKnownTime(later.EndedAt, first.EndedAt),
			Meta: orKnown(later.Meta, first.Meta),
		}
	})
}

// lastOfEach keeps the last of the relationships with one key, which are sent whole.
func lastOfEach(rels []flow.Relationship) []flow.Relationship {
	return merged(rels, func(r flow.Relationship) flow.RelationshipKey { return r.RelationshipKey },
		func(_, later flow.Relationship) flow.Relationship { return later })
}

// merged gives one element for each key, in the order of their first; nil stays nil.
func merged[T any, K comparable](list []T, key func(T) K, lay func(first, later T) T) []T {
	at, out := make(map[K]int, len(list)), list[:0]
	for _, e := range list {
		if i, there := at[key(e)]; there {
			out[i] = lay(out[i], e)
			continue
		}
		at[key(e)] = len(out)
		out = append(out, e)
	}
	return out
}

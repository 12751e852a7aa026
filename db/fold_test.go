package db_test

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/flow"
)

// Whatever is written, in whatever steps: the deltas folded from any earlier point give
// what the whole read gives, and a second writer that catches up holds the same graph.
func TestDeltasFoldToTheWhole(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		id := fmt.Sprintf("f%d", run)
		client := newClient()
		last := flow.NoCursor
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			at := put(t, store, id, func(g *flow.Graph) {
				for range rapid.IntRange(0, 4).Draw(rt, "writes") {
					scribble(rt, g)
				}
			})
			if rapid.Bool().Draw(rt, "read") {
				d := read(t, store, id, last)
				if d.To != at {
					rt.Fatalf("read at %v, wrote at %v", d.To, at)
				}
				client.apply(d)
				last = d.To
			}
		}
		client.apply(read(t, store, id, last))
		whole := newClient()
		whole.apply(read(t, store, id, flow.NoCursor))
		if !reflect.DeepEqual(client, whole) {
			rt.Fatalf("folded %+v\nwhole  %+v", client, whole)
		}
	})
}

// client folds deltas as a browser does: what it cannot see is not there.
type client struct {
	jobs map[string]flow.Job
	rels map[flow.RelationshipKey]flow.Relationship
	flow flow.Flow
}

func newClient() *client {
	return &client{jobs: map[string]flow.Job{}, rels: map[flow.RelationshipKey]flow.Relationship{}}
}

func (c *client) apply(d flow.Delta) {
	if d.Reset {
		*c = *newClient()
	}
	for _, k := range d.RemovedRelationships {
		delete(c.rels, k)
	}
	for _, id := range d.RemovedJobs {
		delete(c.jobs, id)
	}
	for _, j := range d.Jobs {
		c.jobs[j.ID] = j
	}
	for _, r := range d.Relationships {
		delete(c.rels, r.RelationshipKey)
		if r.Visible {
			c.rels[r.RelationshipKey] = r
		}
	}
	if d.Flow != nil {
		c.flow = *d.Flow
	}
}

func scribble(t *rapid.T, g *flow.Graph) {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "job")
	other := rapid.SampledFrom([]string{"e", "f", "group"}).Draw(t, "other")
	switch rapid.IntRange(0, 6).Draw(t, "write") {
	case 0:
		g.RemoveJob(id)
	case 1:
		g.PutJob(flow.Job{ID: "group", Name: "group", Type: flow.TypeGroup, Source: flow.SourceBridge, Status: flow.Pending})
		g.Relate(edge(id, "group", flow.Contains))
	case 2:
		g.Relate(edge(id, other, flow.FinishToStart))
	case 3:
		g.Unrelate(edge(id, other, flow.FinishToStart).RelationshipKey)
	default:
		status := rapid.SampledFrom([]flow.Status{flow.Pending, flow.Running, flow.Succeeded, flow.Failed}).Draw(t, "status")
		g.PutJob(leaf(id, status))
	}
}

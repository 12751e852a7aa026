package flow_test

import (
	"slices"
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

// A client draws in the order received. What goes and comes back is last in a snapshot, so
// whoever was there must be told that it went.
func TestWhatGoesAndComesBackIsToldToGo(t *testing.T) {
	t.Parallel()
	key := flow.RelationshipKey{FromID: "a", ToID: "b", Type: flow.FinishToStart}
	setup := func() *flow.Graph {
		g := flow.NewGraph("f")
		g.PutJob(flow.Job{ID: "a", Status: flow.Pending})
		g.PutJob(flow.Job{ID: "b", Status: flow.Pending})
		g.Relate(flow.Relationship{RelationshipKey: key})
		g.Settle()
		return g
	}
	t.Run("a job in one transaction", func(t *testing.T) {
		t.Parallel()
		g := setup()
		g.RemoveJob("a")
		g.PutJob(flow.Job{ID: "a", Status: flow.Pending})
		if c := g.Settle(); !slices.Equal(c.RemovedJobs, []string{"a"}) || len(c.Jobs) == 0 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("an edge in one transaction", func(t *testing.T) {
		t.Parallel()
		g := setup()
		g.Unrelate(key)
		g.Relate(flow.Relationship{RelationshipKey: key})
		if c := g.Settle(); !slices.Contains(c.RemovedRelationships, key) || len(c.Relationships) != 1 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("an edge that leads elsewhere and back", func(t *testing.T) {
		t.Parallel()
		g := setup()
		g.Relate(flow.Relationship{RelationshipKey: key, ToFlowID: "other"})
		if c := g.Settle(); !slices.Contains(c.RemovedRelationships, key) {
			t.Errorf("%+v", c)
		}
	})
	t.Run("the edges of a job, over several transactions", func(t *testing.T) {
		t.Parallel()
		ms := flow.Messages("f", flow.Delta{
			RemovedJobs: []string{"a"}, Jobs: []flow.Job{{ID: "a"}}, Relationships: []flow.Relationship{{RelationshipKey: key, Visible: true}},
		})
		var order []string
		for _, m := range ms {
			order = append(order, m.Event)
		}
		if want := []string{flow.TypeDeleteRels, flow.TypeDeleteNodes, flow.TypeUpsertNodes, flow.TypeUpsertRels}; !slices.Equal(order, want) {
			t.Errorf("messages %q, want %q", order, want)
		}
	})
}

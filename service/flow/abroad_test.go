package flow_test

import (
	"slices"
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

// An id says nothing outside its flow: an edge that names another flow is kept and shown,
// and what this flow has under the same id is no end of it.
func TestAnEdgeToAnotherFlowIsNotWalkedHere(t *testing.T) {
	t.Parallel()
	job := func(id string, s flow.Status) flow.Job {
		return flow.Job{ID: id, Name: id, Type: flow.TypeInstall, Source: "emitter:x", Status: s}
	}
	between := func(from, to string, typ flow.RelationshipType) flow.RelationshipKey {
		return flow.RelationshipKey{FromID: from, ToID: to, Type: typ}
	}
	abroad := []flow.Relationship{
		{RelationshipKey: between("a", "b", flow.FinishToStart), FromFlowID: "other"},
		{RelationshipKey: between("a", "g", flow.Contains), FromFlowID: "other"},
		{RelationshipKey: between("b", "a", flow.FinishToStart), ToFlowID: "other"},
	}
	waits := func(g *flow.Graph) []string { j, _ := g.Job("b"); return j.WaitingOn }
	fresh := func() *flow.Graph {
		g := flow.NewGraph("f")
		g.PutJob(job("a", flow.Running))
		g.PutJob(job("b", flow.Pending))
		g.PutJob(job("g", flow.Pending))
		return g
	}

	g := fresh()
	for _, r := range abroad {
		g.Relate(r)
	}
	changes := g.Settle()
	if j, _ := g.Job("g"); waits(g) != nil || j.Type != flow.TypeInstall || j.Status != flow.Pending || len(g.Dependencies("b")) != 0 {
		t.Errorf("b waits on %v, depends on %v, g is %+v", waits(g), g.Dependencies("b"), j)
	}
	if len(changes.Relationships) != 3 || !changes.Relationships[0].Visible || g.Reaches("a", "b", flow.FinishToStart) {
		t.Errorf("%+v", changes.Relationships)
	}

	// The same key may come to mean the flow's own job, and another's again.
	home := abroad[0]
	home.FromFlowID = "f"
	g.Relate(home)
	g.Settle()
	if !slices.Equal(waits(g), []string{"a"}) {
		t.Errorf("b waits on %v", waits(g))
	}
	g.Relate(abroad[0])
	g.Settle()
	if waits(g) != nil {
		t.Errorf("b waits on %v", waits(g))
	}
	for _, r := range abroad {
		g.Unrelate(r.RelationshipKey)
	}
	if _, there := g.Job("a"); !there {
		t.Error("the job went with the edge that only named its id")
	}

	// As it is read back from the store.
	g = fresh()
	g.Load(flow.State{Delta: flow.Delta{Relationships: abroad}})
	g.PutJob(job("a", flow.Failed))
	g.Settle()
	if waits(g) != nil {
		t.Errorf("read back, b waits on %v", waits(g))
	}
}

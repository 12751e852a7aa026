package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// An edge may name another flow's job, and this flow may have one of the same id: the edge
// is shown, and not walked as if it were this one.
func TestAnEdgeToAnotherFlowIsShownAndNotWalked(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	abroad := func(from, to, typ, side string) string {
		return strings.TrimSuffix(rel(from, to, typ), "}") + fmt.Sprintf(`,%q:"other"}`, side)
	}
	r.emit("f", "flux", upsert(node("a", "running"), node("b", "pending"), node("g", "pending")))
	r.emit("f", "flux", upsertRels(
		abroad("a", "b", "finish-to-start", "fromFlowId"), abroad("a", "g", "contains", "fromFlowId"), abroad("b", "a", "finish-to-start", "toFlowId")))

	got := r.snapshot("f")
	if len(got.Edges.ByID) != 3 || strings.Contains(string(got.Nodes.ByID["b"]), "waitingOn") || got.status("g") != "pending" {
		t.Errorf("%s", got)
	}
	for query, want := range map[string]int{"?around=b": 1, "?around=a&direction=downstream": 1, "?root=g": 1} {
		b := newBrowser()
		b.fold(t, frame{event: "snapshot", data: r.get("/api/v1/flows/f/snapshot" + query).body})
		if len(b.Nodes.ByID) != want || len(b.Edges.ByID) != 0 {
			t.Errorf("%s: %s", query, b)
		}
	}
	for _, j := range read[struct{ Jobs []job }](r, "/api/v1/deployments/f/jobs").Jobs {
		if len(j.DependsOn)+len(j.ChildIDs) != 0 || j.ParentID != "" {
			t.Errorf("%+v", j)
		}
	}
	// Named as this flow's own, the same edges are walked.
	r.emit("f", "flux", upsertRels(rel("a", "b", "finish-to-start"), strings.TrimSuffix(rel("a", "g", "contains"), "}")+`,"fromFlowId":"f"}`))
	if got := r.snapshot("f"); got.status("g") != "running" || !strings.Contains(string(got.Nodes.ByID["b"]), `"waitingOn":["a"]`) {
		t.Errorf("%s", got)
	}
}

// What an emitter says that a job waits for is not cleared by what the bridge hears of it.
func TestAnEmittersDependencyOutlivesTheBridgesList(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", component(0, "a", "installing"), component(0, "b", "installing"), component(1, "x", "pending", "dependsOn", "a"))
	r.emit("d1", "flux", upsertRels(rel("d1:install-b", "d1:install-x", "finish-to-start")))
	r.post("d1", component(2, "x", "pending", "dependsOn", ""))
	if a := r.get("/api/v1/deployments/d1/jobs/install-x"); a.status != http.StatusOK || !strings.Contains(a.body, `"dependsOn":["d1:install-b"]`) {
		t.Errorf("%s", a.body)
	}
}

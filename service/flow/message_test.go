package flow_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

func TestEmptySnapshotHasListsAndMilliseconds(t *testing.T) {
	t.Parallel()
	got := encode(t, flow.EmptySnapshot(flow.Deployment{ID: "d1", CreatedAt: start}))
	want := `{"type":"snapshot","flow":{"id":"d1","status":"pending","startedAt":1775044800000},"nodes":[],"relationships":[]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNodeOnTheWire(t *testing.T) {
	t.Parallel()
	j := flow.Job{
		ID: "d1:install-cilium", Name: "install-cilium", Status: flow.Pending, Family: "install", State: "pending",
		WaitingOn: []string{"d1:cluster-bootstrap"}, ChartVersion: "1.1.1", Meta: json.RawMessage(`{"owner":9007199254740993,"state":"old"}`),
	}
	got := encode(t, j.Wire("d1"))
	want := `{"id":"d1:install-cilium","flowId":"d1","label":"install-cilium","status":"pending","family":"install",` +
		`"meta":{"chartVersion":"1.1.1","owner":9007199254740993,"state":"pending","waitingOn":["d1:cluster-bootstrap"]}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFailedJobsAreSaidOnlyWhileTheFlowRuns(t *testing.T) {
	t.Parallel()
	f := flow.Flow{ID: "d1", Status: flow.Running, StartedAt: start, FailedJobs: 2}
	if got := encode(t, f.Wire()); got != `{"id":"d1","status":"running","startedAt":1775044800000,"meta":{"failed":2}}` {
		t.Error(got)
	}
	f.Status, f.EndedAt = flow.Failed, start.Add(time.Second)
	if got := encode(t, f.Wire()); got != `{"id":"d1","status":"failed","startedAt":1775044800000,"endedAt":1775044801000}` {
		t.Error(got)
	}
}

// An edge never stands without its ends: it goes before they go and comes after they come.
func TestMessagesAreOrdered(t *testing.T) {
	t.Parallel()
	key := flow.RelationshipKey{FromID: "a", ToID: "b", Type: flow.Contains}
	ms := flow.Messages("f", flow.Delta{
		Flow: &flow.Flow{ID: "f"}, Jobs: []flow.Job{{ID: "a"}}, RemovedJobs: []string{"z"},
		Relationships:        []flow.Relationship{{RelationshipKey: key, Visible: true}, {RelationshipKey: flow.RelationshipKey{FromID: "h"}}},
		RemovedRelationships: []flow.RelationshipKey{key},
	})
	var events []string
	for _, m := range ms {
		events = append(events, m.Event)
	}
	want := `["delete-rels","delete-nodes","upsert-nodes","upsert-rels","upsert-flow"]`
	if got := encode(t, events); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

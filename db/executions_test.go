package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/flow"
)

func change(t *testing.T, store *db.Store, c flow.Changes) {
	t.Helper()
	w := flow.Write{FlowID: "d", Keys: []flow.Fingerprint{{1}}, Decide: func(flow.State, []bool) flow.Changes { return c }}
	if _, err := store.Record(t.Context(), w); err != nil {
		t.Fatal(err)
	}
}

// An execution that has ended does not run again, whatever an old copy of it says; the line
// that comes with the copy is kept.
func TestAnExecutionThatEndedStaysEnded(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	runs := flow.Execution{ID: "x", JobID: "j", Attempt: 1, Status: flow.Running, StartedAt: noon}
	ended := runs
	ended.Status, ended.FinishedAt = flow.Failed, noon.Add(time.Hour)
	old := runs
	old.StartedAt = noon.Add(2 * time.Hour)
	line := flow.LogLine{ExecutionID: "x", At: noon, Level: "info", Message: "still here"}
	change(t, store, flow.Changes{Executions: []flow.Execution{runs}, Lines: []flow.LogLine{line}})
	change(t, store, flow.Changes{Executions: []flow.Execution{ended}})
	change(t, store, flow.Changes{Spoken: []flow.Execution{old}, Lines: []flow.LogLine{line, line}})
	p, err := store.LogPage(t.Context(), "x", 1, 9)
	if err != nil || p.Status != flow.Failed || !p.FinishedAt.Equal(ended.FinishedAt) || p.Total != 3 || len(p.Lines) != 3 {
		t.Errorf("got %+v, %v", p, err)
	}
}

// No table but those of facts, which outlive their flow, remembers a flow that was deleted.
func TestADeletedFlowLeavesNothing(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	put(t, store, "d", func(g *flow.Graph) {
		g.PutJob(leaf("a", flow.Pending))
		g.Relate(flow.Relationship{RelationshipKey: flow.RelationshipKey{FromID: "a", ToID: "b", Type: flow.FinishToStart}, Source: flow.SourceBridge})
		g.PutBridgeCursor(flow.BridgeCursor{JobID: "a", State: "installing"})
	})
	change(t, store, flow.Changes{
		RemovedJobs: []string{"gone"},
		Executions:  []flow.Execution{{ID: "x", JobID: "a", Attempt: 1, Status: flow.Running, StartedAt: noon}},
		Lines:       []flow.LogLine{{ExecutionID: "x", At: noon, Level: "info", Message: "m"}},
		Transitions: []flow.Transition{{JobID: "a", From: flow.Pending, To: flow.Running, OccurredAt: noon}},
	})
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	full := []string{"flows", "jobs", "relationships", "tombstones", "bridge_cursors", "executions", "log_lines", "transitions", "idempotency_keys"}
	for _, want := range []int{1, 0} {
		for _, table := range full {
			var n int
			if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM (SELECT FROM `+table+` WHERE flow_id = 'd' LIMIT 1) x`).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d of its rows are there, want %d; %v", table, n, want, err)
			}
		}
		if _, err := store.DeleteFlow(t.Context(), "d"); err != nil {
			t.Fatal(err)
		}
	}
}

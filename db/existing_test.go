package db_test

import (
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

// What is only about a flow that is there does not make one.
func TestAWriteToAnExistingFlowMakesNone(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	write := flow.Write{FlowID: "d", Existing: true, Keys: []flow.Fingerprint{{1}}, Decide: func(flow.State, []bool) flow.Changes {
		return flow.Changes{Jobs: []flow.Job{leaf("a", flow.Pending)}}
	}}
	if _, err := store.Record(t.Context(), write); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("got %v", err)
	}
	if got := column(t, dsn, `SELECT flow_id FROM flows UNION ALL SELECT flow_id FROM idempotency_keys`); len(got) != 0 {
		t.Errorf("it made %q", got)
	}
	put(t, store, "d", func(g *flow.Graph) { g.PutJob(leaf("b", flow.Pending)) })
	if _, err := store.Record(t.Context(), write); err != nil {
		t.Errorf("got %v", err)
	}
	if d := read(t, store, "d", flow.NoCursor); len(d.Jobs) != 2 {
		t.Errorf("%+v", d.Jobs)
	}
}

package db_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/service/flow"
)

// A flow is written between two statements of a read: what is read is the flow as it was at
// the cursor that comes with it.
func TestWhatIsReadIsOfOneMoment(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	put(t, store, "d", func(g *flow.Graph) { g.PutJob(leaf("at 1", flow.Pending)) })
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	run := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	run(`BEGIN`)
	run(`LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE`)
	got := make(chan flow.Delta, 1)
	go func() {
		d, err := store.ChangedSince(t.Context(), "d", flow.NoCursor)
		if err != nil {
			t.Error(err)
		}
		got <- d
	}()
	awaitBlocked(t, dsn) // it has read the flow, and its jobs are next
	run(`UPDATE flows SET version = 2, changed_version = 2`)
	run(`UPDATE jobs SET job_id = 'at 2', changed_version = 2`)
	run(`COMMIT`)
	d := <-got
	if want := map[int64]string{1: "at 1", 2: "at 2"}[d.To.Version]; len(d.Jobs) != 1 || d.Jobs[0].ID != want {
		t.Errorf("at version %d: %+v, want %q", d.To.Version, d.Jobs, want)
	}
}

package db_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/timeline"
)

const (
	attemptColumns = `job_id, name, label, attempt, execution_id, status, phase, group_id, region, component, chart_version,
		position, waiting_from, waited_on, blocker_job_id, blocker_attempt, waited_seconds, blocked_seconds, idle_seconds,
		started_at, ended_at, until, ran_seconds, later, critical, slack_seconds, path_step, path_idle_seconds, path_ran_seconds`
	provisionColumns = `started_at, provisioned_at, duration_seconds, phase_seconds, jobs, jobs_pending, jobs_running, jobs_succeeded, jobs_failed,
		attempts, retries, path_seconds, path_idle_seconds, first_failure_job_id, first_failure_attempt, first_failed_at`
)

// What SQL computes of any flow at any moment is what Go computes and keeps.
func TestSQLAndGoAgreeOnEveryTimeline(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	conn := connect(t, dsn)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		g := drawFlow(rt, fmt.Sprintf("f%d", n))
		g.store(t, store)
		in, err := store.TimelineInput(t.Context(), g.id)
		if err != nil {
			t.Fatal(err)
		}
		computed := timeline.Compute(in, g.clock)
		nothingNegative(rt, computed)
		if err := store.KeepTimeline(t.Context(), in, computed); err != nil {
			t.Fatal(err)
		}
		differ(rt, t, conn, attemptColumns, "attempt_facts WHERE flow_id = $1", "analytics.live_timeline($1, $2)", g)
		differ(rt, t, conn, provisionColumns, "flow_facts WHERE flow_id = $1", "analytics.live_provision($1, $2)", g)
	})
}

// nothingNegative holds a timeline to it that sources' clocks, which differ, make no time negative.
func nothingNegative(t *rapid.T, tl timeline.Timeline) {
	p := tl.Provision
	shortest := min(p.Took, p.PathRan, p.PathIdle)
	for _, r := range tl.Rows {
		shortest = min(shortest, r.Ran, r.Wait.Waited, r.Wait.Blocked, r.Wait.Idle, r.Slack, r.PathRan, r.PathIdle)
	}
	for _, ph := range tl.Phases {
		shortest = min(shortest, ph.Took)
	}
	if shortest < 0 {
		t.Fatalf("%v in %+v", shortest, tl)
	}
}

// differ fails with every row that only one of the two has.
func differ(rt *rapid.T, t *testing.T, conn *pgx.Conn, columns, kept, live string, g generated) {
	rows, err := conn.Query(t.Context(), fmt.Sprintf(`
		SELECT 'Go ' || to_jsonb(a)::text FROM (SELECT %[1]s FROM %[2]s EXCEPT SELECT %[1]s FROM %[3]s) a
		UNION ALL
		SELECT 'SQL ' || to_jsonb(b)::text FROM (SELECT %[1]s FROM %[3]s EXCEPT SELECT %[1]s FROM %[2]s) b`,
		columns, kept, live), g.id, g.clock)
	if err != nil {
		t.Fatal(err)
	}
	only, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(only) > 0 {
		rt.Fatalf("at %v:\n%s", g.clock, strings.Join(only, "\n"))
	}
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

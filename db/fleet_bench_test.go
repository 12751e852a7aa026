package db_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/timeline"
)

// fleetSQL fills a database with provisions of 60 jobs: five steps and 55 installs that
// come after some of those before them, each with its attempts and transitions.
const fleetSQL = `
INSERT INTO flows (flow_id, epoch, version, status, started_at, ended_at, created_at)
SELECT 'f' || f, 'e', 1, 'succeeded', '2026-01-01Z'::timestamptz + f * interval '2 hours', '2026-01-01Z'::timestamptz + f * interval '2 hours' + interval '72 minutes', now()
FROM generate_series(1, $1::int) f;
INSERT INTO jobs (flow_id, job_id, changed_version, position, name, type, source, chart, status, started_at, finished_at, attempt)
SELECT f.flow_id, f.flow_id || ':' || g, 1, n, g, 'group', 'bridge', '', 'succeeded', f.started_at, f.ended_at, 0
FROM flows f, (VALUES ('provisioner', 1000), ('bootstrap-kit', 1001)) AS v(g, n)
UNION ALL
SELECT f.flow_id, f.flow_id || ':job-' || n, 1, n, 'job-' || n, 'install', 'bridge', 'chart-' || n, 'succeeded',
	f.started_at + n * interval '1 minute' + length(f.flow_id) * interval '1 second', f.started_at + (n + 10 + n % 3) * interval '1 minute', 1
FROM flows f, generate_series(0, 59) n;
INSERT INTO relationships (flow_id, from_id, to_id, type, changed_version, position, source, visible)
SELECT f.flow_id, f.flow_id || ':provisioner', f.flow_id || ':bootstrap-kit', 'finish-to-start', 1, 2000, 'bridge', true FROM flows f
UNION ALL
SELECT f.flow_id, f.flow_id || ':job-' || n, f.flow_id || CASE WHEN n < 5 THEN ':provisioner' ELSE ':bootstrap-kit' END, 'contains', 1, 3000 + n, 'bridge', true
FROM flows f, generate_series(0, 59) n
UNION ALL
SELECT f.flow_id, f.flow_id || ':job-' || n - d, f.flow_id || ':job-' || n, 'finish-to-start', 1, 4000 + n, 'bridge', true
FROM flows f, generate_series(5, 59) n, unnest(ARRAY[11, 13, 17]) d WHERE n - d >= 5;
INSERT INTO executions (flow_id, execution_id, job_id, attempt, status, started_at, finished_at, log_day)
SELECT j.flow_id, j.job_id || ':1', j.job_id, 1, 'succeeded', j.started_at, j.finished_at, j.started_at::date FROM jobs j WHERE j.type <> 'group';
INSERT INTO transitions (flow_id, job_id, execution_id, version, from_status, to_status, state, occurred_at, recorded_at)
SELECT f.flow_id, j.job_id, '', 1, t.a, t.b, '', t.at, t.at
FROM flows f
JOIN jobs j ON j.flow_id = f.flow_id AND j.type <> 'group'
CROSS JOIN LATERAL (VALUES ('pending', 'pending', f.started_at), ('pending', 'running', j.started_at), ('running', 'succeeded', j.finished_at)) AS t(a, b, at);
ANALYZE flows; ANALYZE jobs; ANALYZE relationships; ANALYZE executions; ANALYZE transitions;`

// fleet gives a store over a database with that many provisions.
func fleet(t testing.TB, provisions int) (*db.Store, *pgx.Conn) {
	t.Helper()
	dsn := dbtest.New(t)
	store, err := db.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	conn := connect(t, dsn)
	exec(t, conn, strings.ReplaceAll(fleetSQL, "$1", strconv.Itoa(provisions)))
	return store, conn
}

// BenchmarkAnalytics measures questions about one of 1,000 provisions of 60 jobs, and about all of
// them: kept, as they are soon after their end, and for one flow computed as well.
func BenchmarkAnalytics(b *testing.B) {
	store, conn := fleet(b, 1000)
	one := map[string]string{
		"timeline": `SELECT * FROM analytics.timeline WHERE flow_id = 'f500'`, "provision": `SELECT * FROM analytics.provisions WHERE flow_id = 'f500'`,
		"critical path": `SELECT * FROM analytics.critical_path('f500')`, "blockers": `SELECT * FROM analytics.blockers WHERE flow_id = 'f500'`,
		"concurrency": `SELECT * FROM analytics.concurrency WHERE flow_id = 'f500'`, "phases": `SELECT * FROM analytics.phases WHERE flow_id = 'f500'`,
		"at": `SELECT * FROM analytics.at('f500', '2026-02-11 16:30Z')`, "diagnosis": `SELECT * FROM analytics.diagnose('f500')`,
		"comparison": `SELECT * FROM analytics.compare('f500', 'f501')`, "transitions": `SELECT * FROM analytics.transitions WHERE flow_id = 'f500'`,
	}
	for name, query := range one {
		b.Run("one computed/"+name, func(b *testing.B) { ask(b, conn, query) })
	}
	begun := time.Now()
	if n, err := (timeline.Keeper{Store: store}).Keep(b.Context(), time.Now()); n != 1000 || err != nil {
		b.Fatal(n, err)
	}
	b.Logf("1,000 timelines were computed and kept in %v", time.Since(begun))
	exec(b, conn, `ANALYZE flow_facts; ANALYZE attempt_facts`)
	for name, query := range one {
		b.Run("one kept/"+name, func(b *testing.B) { ask(b, conn, query) })
	}
	for name, query := range map[string]string{
		"provisions": `SELECT * FROM analytics.provisions`, "component stats": `SELECT * FROM analytics.component_stats`, "flakiness": `SELECT * FROM analytics.flakiness`,
		"phases": `SELECT * FROM analytics.phases`, "blockers by component": `SELECT name, sum(blocked_seconds), sum(idle_seconds) FROM analytics.blockers GROUP BY 1`,
		"concurrency": `SELECT max(running) FROM analytics.concurrency`, "one month": `SELECT * FROM analytics.component_stats('2026-02-01Z', '2026-03-01Z')`,
	} {
		b.Run("fleet/"+name, func(b *testing.B) { ask(b, conn, query) })
	}
	exec(b, conn, `UPDATE flows SET status = 'running', ended_at = NULL, version = 2 WHERE flow_id = 'f1000'`,
		`UPDATE jobs SET status = 'pending', started_at = NULL, finished_at = NULL WHERE flow_id = 'f1000' AND position BETWEEN 30 AND 59`)
	b.Run("running/estimate", func(b *testing.B) { ask(b, conn, `SELECT * FROM analytics.estimate('f1000', '2026-03-25 08:40Z')`) })
	b.Run("running/timeline", func(b *testing.B) { ask(b, conn, `SELECT * FROM analytics.timeline WHERE flow_id = 'f1000'`) })
}

// ask reads an answer to its end.
func ask(b *testing.B, conn *pgx.Conn, query string) {
	for b.Loop() {
		rows, err := conn.Query(b.Context(), query)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
		}
		if rows.Err() != nil {
			b.Fatal(rows.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/answer")
}

func exec(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%.60s: %v", s, err)
		}
	}
}

package db_test

import (
	"context"
	"slices"
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

// question is asked in SQL.
type question struct{ name, sql string }

var (
	aboutOne = []question{
		{"timeline", `SELECT * FROM analytics.timeline WHERE flow_id = 'f500'`}, {"row of provisions", `SELECT * FROM analytics.provisions WHERE flow_id = 'f500'`},
		{"critical path", `SELECT * FROM analytics.critical_path('f500')`}, {"blockers", `SELECT * FROM analytics.blockers WHERE flow_id = 'f500'`},
		{"concurrency", `SELECT * FROM analytics.concurrency WHERE flow_id = 'f500'`}, {"phases", `SELECT * FROM analytics.phases WHERE flow_id = 'f500'`},
		{"comparison", `SELECT * FROM analytics.compare('f500', 'f501')`},
	}
	ofHistory = []question{
		{"past moment", `SELECT * FROM analytics.at('f500', '2026-02-11 16:30Z')`}, {"diagnosis", `SELECT * FROM analytics.diagnose('f500')`},
		{"transitions", `SELECT * FROM analytics.transitions WHERE flow_id = 'f500'`},
	}
	aboutAll = []question{
		{"provisions", `SELECT * FROM analytics.provisions`}, {"component stats", `SELECT * FROM analytics.component_stats`},
		{"component stats of a month", `SELECT * FROM analytics.component_stats('2026-02-01Z', '2026-03-01Z')`}, {"flakiness", `SELECT * FROM analytics.flakiness`},
		{"phases", `SELECT * FROM analytics.phases`}, {"concurrency", `SELECT max(running) FROM analytics.concurrency`},
		{"blockers by name", `SELECT name, sum(blocked_seconds), sum(idle_seconds) FROM analytics.blockers GROUP BY 1`},
	}
	aboutRunning = []question{
		{"estimate", `SELECT * FROM analytics.estimate('f1000', '2026-03-25 08:40Z')`}, {"timeline", `SELECT * FROM analytics.timeline WHERE flow_id = 'f1000'`},
		{"row of provisions", `SELECT * FROM analytics.provisions WHERE flow_id = 'f1000'`},
	}
)

// BenchmarkAnalytics measures questions about one of 1,000 provisions of 60 jobs, and about all of
// them: kept, as they are soon after their end, and for one flow computed as well.
func BenchmarkAnalytics(b *testing.B) {
	store, conn := fleet(b, 1000)
	ask(b, conn, "one computed", aboutOne)
	if n, err := (timeline.Keeper{Store: store}).Keep(b.Context(), time.Now()); n != 1000 || err != nil {
		b.Fatal(n, err)
	}
	exec(b, conn, `VACUUM ANALYZE`)
	ask(b, conn, "one kept", aboutOne)
	ask(b, conn, "one", ofHistory)
	ask(b, conn, "all", aboutAll)
	exec(b, conn, `UPDATE flows SET status = 'running', ended_at = NULL, version = 2 WHERE flow_id = 'f1000'`,
		`UPDATE jobs SET status = 'pending', started_at = NULL, finished_at = NULL WHERE flow_id = 'f1000' AND position BETWEEN 30 AND 59`)
	ask(b, conn, "one running", aboutRunning)
}

// ask puts each question once in a session of its own, which pays for the plan, and then again
// and again, and reads the answers to their end. It reports the first and the median.
func ask(b *testing.B, conn *pgx.Conn, about string, questions []question) {
	for _, q := range questions {
		b.Run(about+"/"+q.name, func(b *testing.B) {
			fresh, err := pgx.ConnectConfig(b.Context(), conn.Config())
			if err != nil {
				b.Fatal(err)
			}
			defer fresh.Close(context.Background())
			var took []time.Duration
			first := timed(b, fresh, q.sql)
			for b.Loop() {
				took = append(took, timed(b, fresh, q.sql))
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op") // not shown
			b.ReportMetric(float64(first.Microseconds())/1000, "ms/first")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
		})
	}
}

func timed(b *testing.B, conn *pgx.Conn, sql string) time.Duration {
	begun := time.Now()
	rows, err := conn.Query(b.Context(), sql)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
	}
	if rows.Err() != nil {
		b.Fatal(rows.Err())
	}
	return time.Since(begun)
}

func exec(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%.60s: %v", s, err)
		}
	}
}

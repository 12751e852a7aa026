package db_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/service/timeline"
)

// explain gives how PostgreSQL would answer, or with ANALYZE how it did.
func explain(t testing.TB, conn *pgx.Conn, how, query string) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "EXPLAIN ("+how+", COSTS off) "+query)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// scanned gives the tables of which a question read all rows, also within functions, whose
// plans are not shown.
func scanned(t testing.TB, conn *pgx.Conn, question string) (tables []string) {
	t.Helper()
	exec(t, conn, `BEGIN`)
	before := scans(t, conn)
	exec(t, conn, question)
	for table, n := range scans(t, conn) {
		if n > before[table] {
			tables = append(tables, table)
		}
	}
	exec(t, conn, `ROLLBACK`)
	return tables
}

// scans says how often this session has read all rows of a table; until the transaction
// ends it is only counted up.
func scans(t testing.TB, conn *pgx.Conn) map[string]int64 {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT relname::text, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0`)
	if err != nil {
		t.Fatal(err)
	}
	n, table, count := map[string]int64{}, "", int64(0)
	if _, err := pgx.ForEachRow(rows, []any{&table, &count}, func() error { n[table] = count; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// many is a fleet among so many other flows, most of them forgotten, that reading all rows of a table
// does not pay. The timelines of f1 to f20 are not kept.
func many(t testing.TB) *pgx.Conn {
	t.Helper()
	store, conn := fleet(t, 40)
	if n, err := (timeline.Keeper{Store: store}).Keep(t.Context(), time.Now()); n != 40 || err != nil {
		t.Fatal(n, err)
	}
	exec(t, conn, `
		INSERT INTO deployments (deployment_id, created_at, updated_at)
		SELECT 'other' || n, now(), now() FROM generate_series(1, 2000) n`, `
		INSERT INTO flows (flow_id, epoch, version, status, created_at) SELECT 'other' || n, 'e', 1, 'pending', now() FROM generate_series(1, 2000) n`, `
		INSERT INTO flow_facts
		SELECT (jsonb_populate_record(k, jsonb_build_object('flow_id', 'gone' || n))).* FROM flow_facts k, generate_series(1, 2000) n WHERE k.flow_id = 'f1'`,
		`SELECT ensure_log_partition('2026-01-01'::date + d) FROM generate_series(0, 3) d`, `
		INSERT INTO log_lines (flow_id, execution_id, line_number, log_day, at, level, message)
		SELECT x.flow_id, x.execution_id, n, x.log_day, x.started_at, CASE n WHEN 1 THEN 'error' ELSE 'info' END, 'x'
		FROM executions x, generate_series(1, 5) n`,
		`DELETE FROM flow_facts WHERE flow_id IN (SELECT 'f' || n FROM generate_series(1, 20) n)`,
		`ANALYZE`)
	return conn
}

// No view looks at more than it is asked for: one flow is found by its key in every table,
// whether it is kept or computed, a day's errors in that day's lines.
func TestNothingIsReadThatIsNotAskedFor(t *testing.T) {
	t.Parallel()
	conn := many(t)
	for name, question := range questions(t, conn) {
		switch {
		case name == "component_stats" || name == "flakiness": // of all flows
		case strings.HasSuffix(name, "()"):
			for _, q := range []string{question, strings.ReplaceAll(question, "f7", "f27")} {
				for _, table := range scanned(t, conn, q) {
					if !overAll[name] || !small[table] {
						t.Errorf("%s reads all of %s", q, table)
					}
				}
			}
		default:
			for _, id := range []string{"f7", "f27"} {
				got := explain(t, conn, "ANALYZE, TIMING off", question+` WHERE flow_id = '`+id+`'`)
				if strings.Contains(strings.ReplaceAll(got, "Seq Scan on log_lines_default", ""), "Seq Scan") || id == "f27" && computed.MatchString(got) {
					t.Errorf("%s of %s:\n%s", name, id, got)
				}
			}
		}
	}
	got := explain(t, conn, "ANALYZE, TIMING off", `SELECT * FROM analytics.log_errors WHERE log_day = '2026-01-03'`)
	if !strings.Contains(got, "log_lines_20260103") || strings.Contains(got, "log_lines_20260104") || strings.Contains(got, "log_lines_default") {
		t.Errorf("the errors of a day:\n%s", got)
	}
	got = explain(t, conn, "VERBOSE", `SELECT * FROM analytics.log_errors WHERE flow_id = 'f7' AND log_day BETWEEN '2026-01-02' AND '2026-01-03'`)
	if strings.Contains(got, "log_lines_20260104") || !strings.Contains(got, "log_lines_20260103") || strings.Contains(got, "Seq Scan") {
		t.Errorf("the errors of a flow:\n%s", got)
	}
}

// computed is a plan in which a timeline was computed.
var computed = regexp.MustCompile(`Function Scan on live_\S+ \w+ \(actual rows=[1-9]`)

// overAll are the functions that look through flows, though not through their jobs; small are
// the tables with a row for each.
var (
	overAll = map[string]bool{"component_stats()": true, "runs_like()": true, "estimate()": true}
	small   = map[string]bool{"flows": true, "flow_facts": true, "deployments": true}
)

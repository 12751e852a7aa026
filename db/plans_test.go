package db_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// plan gives how PostgreSQL would answer.
func plan(t testing.TB, conn *pgx.Conn, query string) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "EXPLAIN (COSTS off) "+query)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// No view looks at more than it is asked for: one flow is found by its key in every table,
// a day's errors in that day's lines.
func TestViewsLookOnlyAtWhatIsAsked(t *testing.T) {
	t.Parallel()
	_, conn := fleet(t, 40)
	exec(t, conn, `SET enable_seqscan = off`) // of few rows it is cheaper to read all
	for _, m := range members(t, conn) {
		if m.View == "" || m.Name != "" || m.View == "component_stats" || m.View == "flakiness" {
			continue
		}
		if got := plan(t, conn, `SELECT * FROM analytics.`+m.View+` WHERE flow_id = 'f7'`); strings.Contains(got, "Seq Scan") {
			t.Errorf("%s of one flow:\n%s", m.View, got)
		}
	}
	exec(t, conn, `SELECT ensure_log_partition('2026-01-01'::date + d) FROM generate_series(0, 9) d`)
	got := plan(t, conn, `SELECT * FROM analytics.log_errors WHERE log_day = '2026-01-05'`)
	if !strings.Contains(got, "log_lines_20260105") || strings.Contains(got, "log_lines_20260104") || strings.Contains(got, "log_lines_default") {
		t.Errorf("the errors of a day:\n%s", got)
	}
	if got := plan(t, conn, `SELECT * FROM analytics.log_errors WHERE flow_id = 'f7' AND log_day BETWEEN '2026-01-05' AND '2026-01-06'`); strings.Count(got, "log_lines_2026") > 4 ||
		strings.Contains(got, "Seq Scan on log_lines") {
		t.Errorf("the errors of a flow:\n%s", got)
	}
}

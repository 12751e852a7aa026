package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// attempt records an execution that began at some time, with lines.
func attempt(t *testing.T, store *db.Store, id string, began time.Time, lines int) {
	t.Helper()
	x := flow.Execution{ID: id, JobID: id, Attempt: 1, Status: flow.Running, StartedAt: began}
	c := flow.Changes{Executions: []flow.Execution{x}}
	for i := range lines {
		c.Lines = append(c.Lines, flow.LogLine{ExecutionID: id, At: began, Level: "info", Message: fmt.Sprint(i + 1)})
	}
	if _, err := store.Record(t.Context(), flow.Write{FlowID: "d", Decide: func(flow.State, []bool) flow.Changes { return c }}); err != nil {
		t.Fatal(err)
	}
}

func TestLogPage(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	attempt(t, store, "x", noon, 10)
	attempt(t, store, "silent", noon, 0)
	for _, tt := range []struct {
		id                string
		from              int64
		limit             int
		lines, next, last int64
	}{
		{"x", 1, 4, 4, 5, 4},
		{"x", 7, 4, 4, 11, 10},
		{"x", 8, 4, 3, 11, 10},
		{"x", 11, 4, 0, 11, 0},
		{"x", 1 << 62, 4, 0, 1 << 62, 0},
		{"silent", 1, 4, 0, 1, 0},
	} {
		p, err := store.LogPage(t.Context(), tt.id, tt.from, tt.limit)
		if err != nil || p.FlowID != "d" || p.Status != flow.Running || int64(len(p.Lines)) != tt.lines || p.Next != tt.next {
			t.Errorf("%+v: got %+v, %v", tt, p, err)
		} else if tt.last > 0 && (p.Lines[tt.lines-1].Number != tt.last || p.Lines[0].Message != fmt.Sprint(tt.from)) {
			t.Errorf("%+v: got %+v", tt, p.Lines)
		}
	}
	if _, err := store.LogPage(t.Context(), "nobody", 1, 1); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("got %v", err)
	}
}

// explainer is a DBTX that shows the plans of the queries it is given.
type explainer struct {
	dbsqlc.DBTX
	conn *pgx.Conn
	plan string
}

// errExplained keeps the generated code from reading a plan as rows.
var errExplained = errors.New("explained")

// Query runs the query and keeps its plan.
func (e *explainer) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := e.conn.Query(ctx, "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) "+sql, args...)
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	e.plan = strings.Join(lines, "\n")
	return nil, errExplained
}

// A page of lines is a range of the primary key of one partition, with and without
// statistics, whether the plan is made for the values or for any.
func TestALogPageReadsOnePartitionByItsKey(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	if _, err := store.EnsureLogPartitions(t.Context(), noon.AddDate(0, 0, -2), 4); err != nil {
		t.Fatal(err)
	}
	for day := range 5 {
		for i := range 4 {
			attempt(t, store, fmt.Sprintf("x%d-%d", day, i), noon.AddDate(0, 0, day-2), 300)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, step := range []string{
		"SET plan_cache_mode = force_custom_plan", "SET plan_cache_mode = force_generic_plan", "ANALYZE", "SET plan_cache_mode = force_custom_plan",
	} {
		mustExec(t, conn, step)
		e := &explainer{conn: conn}
		if err := explainPage(t.Context(), e); !errors.Is(err, errExplained) {
			t.Fatal(err)
		}
		once := strings.Count(e.plan, " on log_lines") == 1 && !strings.Contains(e.plan, "never executed")
		byKey := strings.Contains(e.plan, "Index Scan using log_lines_20260401_pkey") && !strings.Contains(e.plan, "Sort") &&
			!strings.Contains(e.plan, "Rows Removed")
		if !once || !byKey {
			t.Errorf("after %s:\n%s", step, e.plan)
		}
	}
}

func explainPage(ctx context.Context, e *explainer) error {
	q := dbsqlc.New(e.conn)
	x, err := q.ExecutionGetLog(ctx, "x2-1")
	if err != nil {
		return err
	}
	_, err = dbsqlc.New(e).LogLineListFrom(ctx, dbsqlc.LogLineListFromParams{
		LogDay: x.LogDay, FlowID: x.FlowID, ExecutionID: "x2-1", FirstLine: 100, LastLine: x.LineCount, PageSize: 50,
	})
	return err
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string) pgconn.CommandTag {
	t.Helper()
	tag, err := conn.Exec(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

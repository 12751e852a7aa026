package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// places lists which table holds how many lines, and of which day.
func places(t *testing.T, dsn string) []string {
	t.Helper()
	return column(t, dsn, `SELECT tableoid::regclass::text || ' ' || log_day || ' ' || count(*) FROM log_lines GROUP BY tableoid, log_day ORDER BY 1`)
}

func partitions(t *testing.T, dsn string) []string {
	t.Helper()
	return column(t, dsn, `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'log_lines'::regclass ORDER BY 1`)
}

func column(t *testing.T, dsn, sql string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, _ := conn.Query(t.Context(), sql)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func ensure(t *testing.T, store *db.Store, from time.Time, days, want int) {
	t.Helper()
	if made, err := store.EnsureLogPartitions(t.Context(), from, days); err != nil || made != want {
		t.Errorf("%d partitions made, want %d: %v", made, want, err)
	}
}

// A line for which there is no partition is kept, and is in the right one as soon as that
// is made; nobody who reads sees a difference.
func TestLinesMoveIntoThePartitionThatWasMissing(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	attempt(t, store, "x", noon, 3)
	attempt(t, store, "old", noon.AddDate(0, 0, -9), 2)
	if got := places(t, dsn); !slices.Equal(got, []string{"log_lines_default 2026-03-23 2", "log_lines_default 2026-04-01 3"}) {
		t.Errorf("before: %q", got)
	}
	ensure(t, store, noon, 1, 2)
	ensure(t, store, noon, 1, 0)
	if got := places(t, dsn); !slices.Equal(got, []string{"log_lines_20260401 2026-04-01 3", "log_lines_default 2026-03-23 2"}) {
		t.Errorf("after: %q", got)
	}
	if p, err := store.LogPage(t.Context(), "x", 1, 10); err != nil || len(p.Lines) != 3 || p.Lines[2].Message != "3" {
		t.Errorf("%+v, %v", p, err)
	}
	attempt(t, store, "y", noon, 1)
	if got := places(t, dsn)[0]; got != "log_lines_20260401 2026-04-01 4" {
		t.Errorf("a new line is in %s", got)
	}
}

// Whole days go, the day of the moment itself stays; so do the numbers of what is gone.
func TestOldLinesAreDroppedWithTheirPartitions(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	ensure(t, store, noon.AddDate(0, 0, -3), 3, 4)
	for day := range 4 {
		attempt(t, store, fmt.Sprint("x", day), noon.AddDate(0, 0, -day), 2)
	}
	attempt(t, store, "ancient", noon.AddDate(-1, 0, 0), 7) // in no partition of its own
	counts, before := []int{}, noon.AddDate(0, 0, -1)
	for n := 1; n > 0; {
		var err error
		if n, err = store.ExpireLogs(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, n)
	}
	if !slices.Equal(counts, []int{1, 1, 7, 0}) {
		t.Errorf("pieces of %v", counts)
	}
	if got := partitions(t, dsn); !slices.Equal(got, []string{"log_lines_20260331", "log_lines_20260401", "log_lines_default"}) {
		t.Errorf("left: %q", got)
	}
	if got := places(t, dsn); !slices.Equal(got, []string{"log_lines_20260331 2026-03-31 2", "log_lines_20260401 2026-04-01 2"}) {
		t.Errorf("left: %q", got)
	}
	if p, err := store.LogPage(t.Context(), "x3", 1, 10); err != nil || p.Total != 2 || p.Next != 3 || len(p.Lines) != 0 {
		t.Errorf("a log whose lines are gone: %+v, %v", p, err)
	}
	attempt(t, store, "x3", noon.AddDate(0, 0, -3), 1) // a line that is late is still kept, and goes on counting
	if p, err := store.LogPage(t.Context(), "x3", 1, 10); err != nil || p.Total != 3 || len(p.Lines) != 1 || p.Lines[0].Number != 3 {
		t.Errorf("a late line: %+v, %v", p, err)
	}
}

// ended makes a flow with one job that is over, with an attempt and a line.
func ended(t testing.TB, store *db.Store, id string, at time.Time) {
	t.Helper()
	put(t, store, id, func(g *flow.Graph) {
		j := leaf("a", flow.Succeeded)
		j.StartedAt, j.FinishedAt = at.Add(-time.Minute), at
		g.PutJob(j)
	})
}

func keepTimelines(t testing.TB, store *db.Store) {
	t.Helper()
	if _, err := (timeline.Keeper{Store: store}).Keep(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
}

func expireAll(t testing.TB, store *db.Store, before time.Time) (ids []string) {
	t.Helper()
	for {
		id, err := store.ExpireFlow(t.Context(), before)
		if err != nil {
			t.Error(err)
		}
		if id == "" {
			return ids
		}
		ids = append(ids, id)
	}
}

func TestFlowsExpireByTheirEnd(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	ended(t, store, "older", noon.Add(-48*time.Hour))
	ended(t, store, "old", noon.Add(-25*time.Hour))
	ended(t, store, "new", noon.Add(-23*time.Hour))
	put(t, store, "running", func(g *flow.Graph) {
		j := leaf("a", flow.Running)
		j.StartedAt = noon.AddDate(-1, 0, 0)
		g.PutJob(j)
	})
	if got := expireAll(t, store, noon); len(got) > 0 {
		t.Errorf("expired %q before it was kept what they were", got)
	}
	keepTimelines(t, store)
	stays := map[string][]string{}
	for _, sql := range []string{
		`SELECT (to_jsonb(p) - 'removed')::text FROM analytics.provisions p WHERE outcome = 'succeeded' ORDER BY flow_id`,
		`SELECT to_jsonb(l)::text FROM analytics.timeline l WHERE status = 'succeeded' ORDER BY flow_id`,
		`SELECT to_jsonb(s)::text FROM analytics.component_stats s`,
	} {
		stays[sql] = column(t, dsn, sql)
	}
	if got := expireAll(t, store, noon.Add(-24*time.Hour)); !slices.Equal(got, []string{"older", "old"}) {
		t.Errorf("expired %q", got)
	}
	for sql, want := range stays {
		if got := column(t, dsn, sql); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s\nbefore %q\nafter  %q", sql, want, got)
		}
	}
	if got := column(t, dsn, `SELECT flow_id FROM analytics.provisions WHERE removed AND latest ORDER BY 1`); !slices.Equal(got, []string{"old", "older"}) {
		t.Errorf("provisions of what is gone: %q", got)
	}
	if got := column(t, dsn, `SELECT flow_id FROM flows ORDER BY 1`); !slices.Equal(got, []string{"new", "running"}) {
		t.Errorf("left: %q", got)
	}
	if got := column(t, dsn, `SELECT DISTINCT flow_id FROM jobs ORDER BY 1`); !slices.Equal(got, []string{"new", "running"}) {
		t.Errorf("jobs left: %q", got)
	}
}

// What was told of a flow after its timeline was kept is kept too before the flow is removed.
func TestAFlowIsNotRemovedWithWhatIsNotCounted(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	ended(t, store, "f", noon.Add(-48*time.Hour))
	keepTimelines(t, store)
	put(t, store, "f", func(g *flow.Graph) {
		j := leaf("b", flow.Failed)
		j.StartedAt, j.FinishedAt = noon.Add(-48*time.Hour), noon.Add(-47*time.Hour)
		g.PutJob(j)
	})
	if got := expireAll(t, store, noon); len(got) > 0 {
		t.Errorf("expired %q, of which more was told", got)
	}
	keepTimelines(t, store)
	if got := expireAll(t, store, noon); len(got) != 1 {
		t.Errorf("expired %q once that is kept", got)
	}
	if p, err := store.Provision(t.Context(), "f"); err != nil || p.Outcome != flow.Failed || p.Jobs.All != 2 {
		t.Errorf("kept is %+v, %v", p, err)
	}
}

// Who is writing a flow keeps it: it is passed over, and looked at again once he is done.
func TestAFlowThatIsBeingWrittenIsPassedOver(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	ended(t, store, "a", noon.Add(-48*time.Hour))
	ended(t, store, "b", noon.Add(-47*time.Hour))
	keepTimelines(t, store)
	_, err := store.Record(t.Context(), flow.Write{FlowID: "a", Decide: func(s flow.State, _ []bool) flow.Changes {
		if got := expireAll(t, store, noon); !slices.Equal(got, []string{"b"}) {
			t.Errorf("expired %q", got)
		}
		return flow.Changes{}
	}})
	if got := expireAll(t, store, noon); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("expired %q afterwards, %v", got, err)
	}
}

// Replicas do it all at the same time, while lines are written: each thing is done once,
// nothing waits for ever and no line is lost.
func TestManyReplicasDoTheUpkeepTogether(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	for i := range 12 {
		ended(t, store, fmt.Sprint("f", i), noon.Add(-time.Duration(48+i)*time.Hour))
	}
	keepTimelines(t, store)
	attempt(t, store, "before", noon, 5)
	var mu sync.Mutex
	var expired []string
	var replicas sync.WaitGroup
	for r := range 4 {
		replicas.Go(func() {
			if _, err := store.EnsureLogPartitions(t.Context(), noon.AddDate(0, 0, -3), 5); err != nil {
				t.Error(err)
			}
			attempt(t, store, fmt.Sprint("during", r), noon, 5)
			ids := expireAll(t, store, noon.Add(-24*time.Hour))
			mu.Lock()
			expired = append(expired, ids...)
			mu.Unlock()
			for n := 1; n > 0; {
				var err error
				if n, err = store.ExpireLogs(t.Context(), noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	replicas.Wait()
	slices.Sort(expired)
	if len(expired) != 12 || len(slices.Compact(expired)) != 12 {
		t.Errorf("expired %q", expired)
	}
	if got := places(t, dsn); !slices.Equal(got, []string{"log_lines_20260401 2026-04-01 25"}) {
		t.Errorf("lines are in %q", got)
	}
	if got := partitions(t, dsn); !slices.Equal(got, []string{"log_lines_20260401", "log_lines_20260402", "log_lines_20260403", "log_lines_default"}) {
		t.Errorf("left: %q", got)
	}
}

// Somebody who holds the lines for long makes upkeep give up for now, and nobody waits
// behind it.
func TestUpkeepDoesNotWaitForLong(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	ensure(t, store, noon.AddDate(0, 0, -3), 0, 1)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	mustExec(t, conn, "BEGIN; LOCK TABLE log_lines IN ACCESS SHARE MODE; LOCK TABLE log_lines_default IN ACCESS SHARE MODE")
	_, ensured := store.EnsureLogPartitions(t.Context(), noon, 0)
	_, dropped := store.ExpireLogs(t.Context(), noon)
	var known *flow.Error
	for _, err := range []error{ensured, dropped} {
		if !errors.As(err, &known) || known.Code != flow.Unavailable {
			t.Errorf("got %v", err)
		}
	}
	mustExec(t, conn, "ROLLBACK")
	ensure(t, store, noon, 0, 1)
}

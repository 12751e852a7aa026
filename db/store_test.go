package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/migrations"
	"github.com/openova-io/provflow/service/flow"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// setup gives a store over a database of the test's own.
func setup(t *testing.T) (*db.Store, string) {
	t.Helper()
	now := noon
	return setupAt(t, &now)
}

// setupAt is setup with a clock that the test moves.
func setupAt(t *testing.T, now *time.Time) (*db.Store, string) {
	t.Helper()
	dsn := dbtest.New(t)
	store, err := db.Open(t.Context(), dsn, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store, dsn
}

// put writes what change does to the flow's graph, as the recorder would.
func put(t testing.TB, store *db.Store, flowID string, change func(g *flow.Graph)) flow.Cursor {
	t.Helper()
	g := flow.NewGraph(flowID)
	at, err := store.Record(t.Context(), flow.Write{FlowID: flowID, Decide: func(s flow.State, _ []bool) flow.Changes {
		g.Load(s)
		change(g)
		return g.Settle()
	}})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func read(t testing.TB, store *db.Store, flowID string, since flow.Cursor) flow.Delta {
	t.Helper()
	d, err := store.ChangedSince(t.Context(), flowID, since)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func leaf(id string, s flow.Status) flow.Job {
	j := flow.Job{ID: id, Name: id, Type: flow.TypeInstall, Source: flow.SourceBridge, Status: s}
	if s != flow.Pending {
		j.StartedAt = noon
	}
	if s.Terminal() {
		j.FinishedAt = noon.Add(time.Minute)
	}
	return j
}

func edge(from, to string, typ flow.RelationshipType) flow.Relationship {
	return flow.Relationship{RelationshipKey: flow.RelationshipKey{FromID: from, ToID: to, Type: typ}, Source: flow.SourceBridge}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	job := flow.Job{
		ID: "d:install-x", Name: "install-x", DisplayName: "X", Type: flow.TypeInstall, Family: "install", AppID: "x",
		Region: "hel1", Namespace: "kube-system", Chart: "x", Source: flow.SourceBridge, Status: flow.Pending, State: "pending",
		Reason: "waits", ChartVersion: "1.0", Attempt: 1, ExecutionID: "d:install-x:1", Meta: []byte(`{"b":1, "a":[]}`),
	}
	at := put(t, store, "d", func(g *flow.Graph) {
		g.PutJob(leaf("d:y", flow.Running))
		g.PutJob(job)
		g.Relate(edge("d:y", "d:install-x", flow.FinishToStart))
		g.Relate(edge("d:z", "d:install-x", flow.FinishToStart))
	})
	d := read(t, store, "d", flow.NoCursor)
	if !d.Reset || d.To != at || d.Flow.Status != flow.Running || !d.Flow.StartedAt.Equal(noon) {
		t.Errorf("flow %+v at %v", d.Flow, d.To)
	}
	job.Position, job.WaitingOn = 1, []string{"d:y"}
	if !reflect.DeepEqual(d.Jobs[1], job) {
		t.Errorf("got  %+v\nwant %+v", d.Jobs[1], job)
	}
	if len(d.Relationships) != 2 || !d.Relationships[0].Visible || d.Relationships[1].Visible {
		t.Errorf("relationships %+v", d.Relationships)
	}
}

func TestAKeyHasItsEffectOnce(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	var seen [][]bool
	write := func(keys ...flow.Fingerprint) {
		_, err := store.Record(t.Context(), flow.Write{FlowID: "d", Keys: keys, Decide: func(_ flow.State, fresh []bool) flow.Changes {
			seen = append(seen, fresh)
			return flow.Changes{}
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := flow.Fingerprint{1}, flow.Fingerprint{2}, flow.Fingerprint{3}
	write(a, b, a)
	write(b, c)
	if want := [][]bool{{true, true, false}, {false, true}}; !reflect.DeepEqual(seen, want) {
		t.Errorf("fresh %v, want %v", seen, want)
	}
}

func TestVersionsHaveNoGapsAmongManyWriters(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	const writers, each = 8, 10
	var mu sync.Mutex
	var versions []int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				at := put(t, store, "d", func(g *flow.Graph) { g.PutJob(leaf(fmt.Sprintf("%d-%d", w, i), flow.Pending)) })
				mu.Lock()
				versions = append(versions, at.Version)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(versions)
	for i, v := range versions {
		if v != int64(i+1) {
			t.Fatalf("version %d at place %d", v, i+1)
		}
	}
	if d := read(t, store, "d", flow.NoCursor); len(d.Jobs) != writers*each {
		t.Errorf("%d jobs", len(d.Jobs))
	}
}

func TestADeletedFlowComesBackWithAnotherEpoch(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	before := put(t, store, "d", func(g *flow.Graph) { g.PutJob(leaf("a", flow.Pending)) })
	for _, want := range []bool{true, false} {
		if had, err := store.DeleteFlow(t.Context(), "d"); err != nil || had != want {
			t.Errorf("deleted %v, %v", had, err)
		}
	}
	if _, err := store.ChangedSince(t.Context(), "d", before); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("err %v", err)
	}
	after := put(t, store, "d", func(g *flow.Graph) { g.PutJob(leaf("b", flow.Pending)) })
	if after.Epoch == before.Epoch {
		t.Error("the same epoch")
	}
	if d := read(t, store, "d", before); !d.Reset || len(d.Jobs) != 1 {
		t.Errorf("a cursor of the life before was believed: %+v", d)
	}
}

// Rows are put back in place, which nothing in the database's history tells of: the operator
// says so, and a version that means something else now is not believed.
func TestRenewedEpochsMakeEveryCursorForeign(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	before := put(t, store, "d", func(g *flow.Graph) { g.PutJob(leaf("a", flow.Pending)) })
	if n, err := store.RenewEpochs(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d renewed, %v", n, err)
	}
	if d := read(t, store, "d", before); !d.Reset || d.To.Version != before.Version {
		t.Errorf("a cursor of the history before was believed: %+v", d)
	}
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	_, err := store.Record(t.Context(), flow.Write{FlowID: "d", Keys: []flow.Fingerprint{{1}}, Decide: func(flow.State, []bool) flow.Changes {
		bad := leaf("b", flow.Succeeded)
		bad.FinishedAt = time.Time{} // the bridge knows when a job ended
		return flow.Changes{Jobs: []flow.Job{leaf("a", flow.Pending), bad}}
	}})
	if flow.CodeOf(err) != flow.Conflict {
		t.Fatalf("err %v", err)
	}
	if _, err := store.ChangedSince(t.Context(), "d", flow.NoCursor); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("half of it is there: %v", err)
	}
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	store, err := db.Open(t.Context(), "postgres://nobody@127.0.0.1:1/none", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.SchemaVersion(t.Context()); flow.CodeOf(err) != flow.Unavailable {
		t.Errorf("err %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = store.Cursors(ctx, []string{"d"})
	if flow.CodeOf(err) != flow.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
}

func TestReplicasMigrateAnEmptyDatabaseTogether(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Empty(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := migrations.Up(t.Context(), dsn); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := migrations.List(t.Context(), dsn)
	if err != nil || slices.ContainsFunc(list, func(s migrations.Status) bool { return s.AppliedAt.IsZero() }) {
		t.Errorf("%v %v", list, err)
	}
}

func TestLinesGoToTheDayTheirExecutionBegan(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	if _, err := store.EnsureLogPartitions(t.Context(), noon, 1); err != nil {
		t.Fatal(err)
	}
	add := func(execution string, began, at time.Time) {
		_, err := store.Record(t.Context(), flow.Write{FlowID: "d", Decide: func(flow.State, []bool) flow.Changes {
			return flow.Changes{
				Executions: []flow.Execution{{ID: execution, JobID: execution, Attempt: 1, Status: flow.Running, StartedAt: began}},
				Lines:      []flow.LogLine{{ExecutionID: execution, At: at, Level: "info", Message: "a"}, {ExecutionID: execution, At: at, Level: "info", Message: "b"}},
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	add("x", noon, noon)
	add("x", noon, noon.Add(36*time.Hour)) // two days later: still the same partition
	add("y", noon.AddDate(-5, 0, 0), noon) // a day without a partition
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, _ := conn.Query(t.Context(), `SELECT tableoid::regclass::text || ' ' || execution_id || ' ' || line_number FROM log_lines ORDER BY 1`)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := []string{
		"log_lines_20260401 x 1", "log_lines_20260401 x 2", "log_lines_20260401 x 3", "log_lines_20260401 x 4",
		"log_lines_default y 1", "log_lines_default y 2",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}

package db_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/flow"
)

var cluster = flow.WatchKey{FlowID: "d", Region: "hel1"}

// term takes the cluster's next term for a minute, unless somebody has it.
func term(t testing.TB, store *db.Store, holder string) (flow.WatchTerm, bool) {
	t.Helper()
	got, ok, err := store.TakeTerm(t.Context(), cluster, holder, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return got, ok
}

// runOut lets a minute pass for whoever has a term.
func runOut(t testing.TB, dsn string) {
	t.Helper()
	execute(t, dsn, "UPDATE watch_terms SET expires_at = expires_at - interval '1 minute'")
}

func execute(t testing.TB, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// fencedPut writes a job by a term.
func fencedPut(store *db.Store, by flow.WatchTerm, key byte, job string) error {
	g := flow.NewGraph(by.FlowID)
	_, err := store.Record(context.Background(), flow.Write{
		FlowID: by.FlowID, Keys: []flow.Fingerprint{{key}}, Fences: []flow.Fence{by.Fence()},
		Decide: func(s flow.State, fresh []bool) flow.Changes {
			g.Load(s)
			if fresh[0] {
				g.PutJob(leaf(job, flow.Running))
			}
			return g.Settle()
		},
	})
	return err
}

func TestOneOfManyGetsTheTerm(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	var took atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, ok := term(t, store, "any"); ok {
				took.Add(1)
			}
		})
	}
	all.Wait()
	if took.Load() != 1 {
		t.Errorf("%d have the watch", took.Load())
	}
}

func TestATermThatRanOutIsTakenOver(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	first, _ := term(t, store, "a")
	first.LinesAt = noon
	if err := store.RenewTerm(t.Context(), first, time.Minute); err != nil {
		t.Fatal(err)
	}
	if second, ok := term(t, store, "b"); ok {
		t.Fatalf("taken from one who is alive: %+v", second)
	}
	runOut(t, dsn)
	second, ok := term(t, store, "b")
	if !ok || second.Term != 2 || !second.Since.Equal(first.Since) || !second.LinesAt.Equal(noon) {
		t.Errorf("after %+v came %+v, %v", first, second, ok)
	}
	if err := store.RenewTerm(t.Context(), first, time.Minute); flow.CodeOf(err) != flow.Conflict {
		t.Errorf("the first renews: %v", err)
	}
	if err := store.EndTerm(t.Context(), first); err != nil {
		t.Error(err)
	}
	if _, ok := term(t, store, "c"); ok {
		t.Error("the first has ended the second's term")
	}
}

func TestATermThatRanOutAndWasNotTakenGoesOn(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	first, _ := term(t, store, "a")
	runOut(t, dsn)
	if err := store.RenewTerm(t.Context(), first, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, ok := term(t, store, "b"); ok {
		t.Error("it was renewed, and taken")
	}
}

func TestATermThatIsGivenUpIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	first, _ := term(t, store, "a")
	if err := store.EndTerm(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if second, ok := term(t, store, "b"); !ok || second.Term != 2 {
		t.Errorf("%+v, %v", second, ok)
	}
}

func TestATermThatIsOverWritesNothing(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	first, _ := term(t, store, "a")
	if err := fencedPut(store, first, 1, "d:x"); err != nil {
		t.Fatal(err)
	}
	runOut(t, dsn)
	second, _ := term(t, store, "b")
	if err := fencedPut(store, first, 2, "d:y"); flow.CodeOf(err) != flow.Conflict {
		t.Fatalf("a stale write: %v", err)
	}
	if err := fencedPut(store, flow.WatchTerm{WatchKey: flow.WatchKey{FlowID: "d", Region: "other"}, Term: 1}, 2, "d:y"); flow.CodeOf(err) != flow.Conflict {
		t.Errorf("a write by a term that never was: %v", err)
	}
	if jobs := read(t, store, "d", flow.NoCursor).Jobs; len(jobs) != 1 {
		t.Errorf("jobs %+v", jobs)
	}
	if err := fencedPut(store, second, 2, "d:y"); err != nil { // its key was not used up
		t.Fatal(err)
	}
	if jobs := read(t, store, "d", flow.NoCursor).Jobs; len(jobs) != 2 {
		t.Errorf("jobs %+v", jobs)
	}
}

// A write that has begun is finished before anybody takes over, and is seen by them.
func TestWhoTakesOverWaitsForTheWriteUnderWay(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	first, _ := term(t, store, "a")
	put(t, store, "d", func(g *flow.Graph) { g.PutJob(leaf("d:x", flow.Running)) })
	runOut(t, dsn)
	taken := make(chan int)
	_, err := store.Record(t.Context(), flow.Write{FlowID: "d", Fences: []flow.Fence{first.Fence()}, Decide: func(s flow.State, _ []bool) flow.Changes {
		go func() {
			_, _ = term(t, store, "b")
			taken <- len(read(t, store, "d", flow.NoCursor).Jobs)
		}()
		awaitBlocked(t, dsn)
		g := flow.NewGraph("d")
		g.Load(s)
		g.PutJob(leaf("d:y", flow.Running))
		return g.Settle()
	}})
	if err != nil {
		t.Error(err)
	}
	if jobs := <-taken; jobs != 2 {
		t.Errorf("who took over saw %d jobs", jobs)
	}
}

// awaitBlocked waits until somebody waits for a lock in the test's database.
func awaitBlocked(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var blocked bool
		err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
			WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)`).Scan(&blocked)
		if err != nil {
			t.Fatal(err)
		}
		if blocked {
			return
		}
	}
	t.Error("nobody waits")
}

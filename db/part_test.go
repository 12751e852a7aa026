package db_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/flow"
)

func idsOf(jobs []flow.Job) []string {
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	slices.Sort(ids)
	return ids
}

func TestPart(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	put(t, store, "d", func(g *flow.Graph) {
		for _, id := range []string{"d:install-a", "d:install-b", "d:install-c", "d:install-other"} {
			g.PutJob(leaf(id, flow.Pending))
		}
		for _, id := range []string{"d:bootstrap-kit", "d:hel1:bootstrap-kit"} {
			g.PutJob(flow.Job{ID: id, Name: id, Type: flow.TypeGroup, Source: flow.SourceBridge, Status: flow.Pending})
		}
		g.Relate(edge("d:install-a", "d:install-b", flow.FinishToStart))
		g.Relate(edge("d:install-b", "d:install-c", flow.FinishToStart))
		g.Relate(edge("d:install-a", "d:hel1:bootstrap-kit", flow.Contains))
		g.Relate(edge("d:hel1:bootstrap-kit", "d:bootstrap-kit", flow.Contains))
	})
	tests := []struct {
		name  string
		part  flow.Part
		want  []string
		edges int
	}{
		{"a group's subtree at any depth", flow.Part{Root: "d:bootstrap-kit"}, []string{"d:bootstrap-kit", "d:hel1:bootstrap-kit", "d:install-a"}, 2},
		{"all it waits for", flow.Part{Around: "d:install-c", Direction: flow.Upstream}, []string{"d:install-a", "d:install-b", "d:install-c"}, 2},
		{"all that waits for it", flow.Part{Around: "d:install-b", Direction: flow.Downstream}, []string{"d:install-b", "d:install-c"}, 1},
		{"both, by bare name", flow.Part{Around: "b", Direction: flow.Both}, []string{"d:install-a", "d:install-b", "d:install-c"}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := store.Part(t.Context(), "d", tt.part)
			if err != nil || !slices.Equal(idsOf(d.Jobs), tt.want) || len(d.Relationships) != tt.edges {
				t.Errorf("got %v with %d edges, %v", idsOf(d.Jobs), len(d.Relationships), err)
			}
		})
	}
	if _, err := store.Part(t.Context(), "d", flow.Part{Root: "nobody"}); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("err %v", err)
	}
}

// 44 diamonds in a row have 2^44 paths; a walk by ids sees each job once.
func TestReachabilityThroughManyPaths(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	const diamonds = 44
	put(t, store, "d", func(g *flow.Graph) {
		node := func(id string) string {
			g.PutJob(leaf(id, flow.Pending))
			return id
		}
		for i := range diamonds {
			from, to := node(fmt.Sprint("n", i)), node(fmt.Sprint("n", i+1))
			for _, side := range []string{"l", "r"} {
				mid := node(fmt.Sprint(side, i))
				g.Relate(edge(from, mid, flow.FinishToStart))
				g.Relate(edge(mid, to, flow.FinishToStart))
			}
		}
	})
	d, err := store.Part(t.Context(), "d", flow.Part{Around: fmt.Sprint("n", diamonds), Direction: flow.Upstream})
	if err != nil || len(d.Jobs) != 3*diamonds+1 || len(d.Relationships) != 4*diamonds {
		t.Errorf("%d jobs, %d edges, %v", len(d.Jobs), len(d.Relationships), err)
	}
}

// The roll-ups the writer derives in memory are those that recursive SQL counts from the
// leaves, on generated graphs of groups within groups.
func TestStoredRollUpsAgreeWithRecursiveSQL(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	for _, size := range []int{1, 10, 300, 10_000} {
		id := fmt.Sprint("f", size)
		put(t, store, id, func(g *flow.Graph) { generate(g, rand.New(rand.NewPCG(1, uint64(size))), size) })
		if wrong, err := store.CheckRollUps(t.Context(), id); err != nil || len(wrong) > 0 {
			t.Errorf("%d jobs: %d differ, %v: %.3q", size, len(wrong), err, wrong)
		}
	}
	tamper(t, store, dsn)
}

// generate makes a tree of groups with leaves in it, and some leaves in two groups.
func generate(g *flow.Graph, r *rand.Rand, size int) {
	statuses := []flow.Status{flow.Pending, flow.Running, flow.Succeeded, flow.Succeeded, flow.Succeeded, flow.Failed}
	groups := max(1, size/20)
	for i := range groups {
		id := fmt.Sprint("group-", i)
		group := flow.Job{ID: id, Name: id, Type: flow.TypeGroup, Source: flow.SourceBridge, Status: flow.Pending}
		if run := leaf(id, statuses[r.IntN(len(statuses))]); r.IntN(3) == 0 {
			group.Run = flow.Run{Status: run.Status, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt}
		}
		g.PutJob(group)
		if i > 0 {
			g.Relate(edge(id, fmt.Sprint("group-", r.IntN(i)), flow.Contains))
		}
	}
	for i := range size {
		id := fmt.Sprint("leaf-", i)
		j := leaf(id, statuses[r.IntN(len(statuses))])
		j.State = []string{"", flow.StateCancelled}[r.IntN(2)]
		g.PutJob(j)
		for range 1 + r.IntN(2) {
			g.Relate(edge(id, fmt.Sprint("group-", r.IntN(groups)), flow.Contains))
		}
	}
}

// tamper shows that the check would see a difference.
func tamper(t *testing.T, store *db.Store, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `UPDATE jobs SET status = 'pending', started_at = NULL, finished_at = NULL WHERE flow_id = 'f300' AND job_id = 'group-0'`); err != nil {
		t.Fatal(err)
	}
	if wrong, err := store.CheckRollUps(t.Context(), "f300"); err != nil || len(wrong) != 1 {
		t.Errorf("a tampered roll-up was not seen: %v, %v", wrong, err)
	}
}

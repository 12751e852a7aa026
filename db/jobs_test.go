package db_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

// What the list says of each job's surroundings is what the edges of the whole flow say.
func TestPlacedJobsAgreeWithTheEdges(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	r := rand.New(rand.NewPCG(3, 4))
	put(t, store, "d", func(g *flow.Graph) {
		generate(g, r, 200)
		depend(g, r, 200, 300)
	})
	parent, before, children := map[string]string{}, map[string][]string{}, map[string][]string{}
	for _, e := range read(t, store, "d", flow.NoCursor).Relationships { // in order of appearance
		switch {
		case e.Type == flow.FinishToStart:
			before[e.ToID] = append(before[e.ToID], e.FromID)
		case e.Visible:
			children[e.ToID] = append(children[e.ToID], e.FromID)
			if parent[e.FromID] == "" {
				parent[e.FromID] = e.ToID
			}
		}
	}
	jobs, err := store.Jobs(t.Context(), "d")
	if err != nil || len(jobs) != 210 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	for _, j := range jobs {
		if j.ParentID != parent[j.ID] || !slices.Equal(j.DependsOn, before[j.ID]) || !slices.Equal(j.ChildIDs, children[j.ID]) {
			t.Errorf("%s: in %q after %q with %q", j.ID, j.ParentID, j.DependsOn, j.ChildIDs)
		}
	}
	if !slices.IsSortedFunc(jobs, latestFirst) {
		t.Error("the jobs are not in order")
	}
}

// depend makes leaves depend on others, some of which are not known.
func depend(g *flow.Graph, r *rand.Rand, leaves, edges int) {
	for range edges {
		from := r.IntN(leaves + 20)
		if to := r.IntN(leaves); to != from {
			g.Relate(edge(fmt.Sprint("leaf-", from), fmt.Sprint("leaf-", to), flow.FinishToStart))
		}
	}
}

func latestFirst(a, b flow.PlacedJob) int {
	if c := b.StartedAt.Compare(a.StartedAt); c != 0 {
		return c // the zero time, not started, is the earliest
	}
	return slices.Compare([]byte(a.Name), []byte(b.Name))
}

// The list is read by look-ups, so that its cost grows with what it gives even in a
// database without statistics.
func TestALargeFlowsJobsAreListedWithoutStatistics(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	r := rand.New(rand.NewPCG(5, 6))
	put(t, store, "d", func(g *flow.Graph) {
		generate(g, r, 10_000)
		depend(g, r, 10_000, 20_000)
	})
	// A plan that compares every job with every edge takes minutes, which a statement is not given.
	jobs, err := store.Jobs(t.Context(), "d")
	if err != nil || len(jobs) != 10_500 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	if _, _, err := store.Job(t.Context(), "d", "leaf-77"); err != nil {
		t.Fatal(err)
	}
}

// What is written again lies elsewhere in its table, and is read where it was.
func TestAFlowIsReadInTheOrderOfAppearance(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	put(t, store, "d", func(g *flow.Graph) {
		for _, id := range []string{"last", "first", "between"} {
			g.PutJob(leaf(id, flow.Pending))
		}
		g.Relate(edge("last", "between", flow.FinishToStart))
		g.Relate(edge("first", "between", flow.FinishToStart))
	})
	put(t, store, "d", func(g *flow.Graph) {
		g.PutJob(leaf("last", flow.Running))
		again := edge("last", "between", flow.FinishToStart)
		again.LagSeconds = 1
		g.Relate(again)
	})
	d := read(t, store, "d", flow.NoCursor)
	if !slices.IsSortedFunc(d.Jobs, func(a, b flow.Job) int { return cmp.Compare(a.Position, b.Position) }) || d.Jobs[0].Status != flow.Running {
		t.Errorf("jobs %+v", d.Jobs)
	}
	if len(d.Relationships) != 2 || d.Relationships[0].FromID != "last" || d.Relationships[0].LagSeconds != 1 {
		t.Errorf("relationships %+v", d.Relationships)
	}
}

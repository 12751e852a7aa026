package db_test

import (
	"slices"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Nobody is told too little because a tombstone is gone: who stands before it gets the
// whole flow, who has passed it gets what changed.
func TestWhoStandsBeforeAForgottenRemovalGetsTheWholeFlow(t *testing.T) {
	t.Parallel()
	now := noon
	store, _ := setupAt(t, &now)

	first := put(t, store, "f", func(g *flow.Graph) {
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			g.PutJob(leaf(id, flow.Running))
		}
		g.Relate(edge("a", "b", flow.FinishToStart))
	})
	between := put(t, store, "f", func(g *flow.Graph) {
		g.RemoveJob("c")
		g.Unrelate(edge("a", "b", flow.FinishToStart).RelationshipKey)
	})
	removed := put(t, store, "f", func(g *flow.Graph) { g.RemoveJob("e") })
	now = noon.Add(time.Hour)
	last := put(t, store, "f", func(g *flow.Graph) { g.RemoveJob("d") })

	for _, round := range []struct {
		before time.Time
		want   int
	}{{noon, 0}, {noon.Add(time.Minute), 3}, {noon.Add(time.Minute), 0}} {
		if n, err := store.PruneTombstones(t.Context(), round.before, 100); err != nil || n != round.want {
			t.Fatalf("pruned %d, %v, want %d", n, err, round.want)
		}
	}
	for _, before := range []flow.Cursor{first, between} {
		if d := read(t, store, "f", before); !d.Reset || !slices.Equal(idsOf(d.Jobs), []string{"a", "b"}) || d.To != last {
			t.Errorf("from before it, at %v: %+v", before, d)
		}
	}
	if d := read(t, store, "f", removed); d.Reset || !slices.Equal(d.RemovedJobs, []string{"d"}) {
		t.Errorf("from there on: %+v", d)
	}

	// A replica whose memory of the flow is from before it.
	_, err := store.Record(t.Context(), flow.Write{FlowID: "f", Known: first, Decide: func(s flow.State, _ []bool) flow.Changes {
		if !s.Reset || len(s.Jobs) != 2 {
			t.Errorf("a writer is told %+v", s.Delta)
		}
		return flow.Changes{}
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPruningIsBounded(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	for _, id := range []string{"f1", "f2"} {
		put(t, store, id, func(g *flow.Graph) {
			for _, j := range []string{"a", "b", "c"} {
				g.PutJob(leaf(j, flow.Running))
			}
		})
		put(t, store, id, func(g *flow.Graph) {
			for _, j := range []string{"a", "b", "c"} {
				g.RemoveJob(j)
			}
		})
	}
	later := noon.Add(time.Hour)
	for _, want := range []int{4, 2, 0} {
		if n, err := store.PruneTombstones(t.Context(), later, 4); err != nil || n != want {
			t.Errorf("pruned %d, %v, want %d", n, err, want)
		}
	}

	// A flow that is written meanwhile is left alone, and its writer is not held up.
	put(t, store, "f1", func(g *flow.Graph) { g.PutJob(leaf("a", flow.Running)) })
	_, err := store.Record(t.Context(), flow.Write{FlowID: "f1", Decide: func(s flow.State, _ []bool) flow.Changes {
		g := flow.NewGraph("f1")
		g.Load(s)
		g.RemoveJob("a")
		if n, err := store.PruneTombstones(t.Context(), later, 4); err != nil || n != 0 {
			t.Errorf("pruned %d, %v", n, err)
		}
		return g.Settle()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := store.PruneTombstones(t.Context(), later, 4); err != nil || n != 1 {
		t.Errorf("pruned %d, %v, once the writer is done", n, err)
	}
}

func TestOldKeysAreForgottenAndNoOthers(t *testing.T) {
	t.Parallel()
	now := noon
	store, _ := setupAt(t, &now)
	write := func(key byte) (fresh bool) {
		_, err := store.Record(t.Context(), flow.Write{FlowID: "f", Keys: []flow.Fingerprint{{key}}, Decide: func(_ flow.State, f []bool) flow.Changes {
			fresh = f[0]
			return flow.Changes{}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return fresh
	}
	for key := range byte(5) {
		write(key + 1)
		now = now.Add(time.Hour)
	}
	for _, want := range []int{2, 1, 0} {
		if n, err := store.PruneKeys(t.Context(), noon.Add(150*time.Minute), 2); err != nil || n != want {
			t.Errorf("pruned %d, %v, want %d", n, err, want)
		}
	}
	if !write(3) || write(4) {
		t.Error("an old key is known, or a newer one is not")
	}
}

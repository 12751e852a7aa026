package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// What was computed and not kept, because somebody stopped in between, is due again; what
// is kept of a flow that went on is not believed, and due again once it has ended.
func TestNothingIsLeftUncounted(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	ended(t, store, "f", noon.Add(-time.Hour))
	due := func() int {
		ids, err := store.Uncounted(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(ids)
	}
	if _, err := store.TimelineInput(t.Context(), "f"); err != nil || due() != 1 {
		t.Fatalf("after half of it %d are due, %v", due(), err)
	}
	old, err := store.TimelineInput(t.Context(), "f")
	keepTimelines(t, store)
	if err != nil || due() != 0 {
		t.Fatalf("once it is kept %d are due, %v", due(), err)
	}
	put(t, store, "f", func(g *flow.Graph) { g.PutJob(leaf("b", flow.Running)) })
	if p, err := store.Provision(t.Context(), "f"); err != nil || p.Outcome != flow.Running || p.Jobs.All != 2 || due() != 0 {
		t.Errorf("while it goes on: %+v, %v", p, err)
	}
	put(t, store, "f", func(g *flow.Graph) { g.PutJob(leaf("b", flow.Failed)) })
	if due() != 1 {
		t.Errorf("when it has ended again %d are due", due())
	}
	keepTimelines(t, store)
	if err := store.KeepTimeline(t.Context(), old, timeline.Compute(old, noon)); err != nil || due() != 0 {
		t.Errorf("somebody slow put what he knew in place of what is known: %d are due, %v", due(), err)
	}
	if _, err := store.DeleteFlow(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if err := store.KeepTimeline(t.Context(), old, timeline.Compute(old, noon)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Provision(t.Context(), "f"); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("of a deleted flow there is still: %v", err)
	}
}

// Whoever deletes a flow, by itself or with its deployment, deletes its timeline too, also one
// of which no more is left.
func TestNothingIsKeptOfWhatIsDeleted(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	deletes := map[string]func(context.Context, string) error{
		"flow":       func(ctx context.Context, id string) error { _, err := store.DeleteFlow(ctx, id); return err },
		"deployment": store.DeleteDeployment,
	}
	for name := range deletes {
		ended(t, store, "expired-"+name, noon.Add(-time.Hour))
	}
	keepTimelines(t, store)
	expireAll(t, store, noon)
	for name := range deletes {
		ended(t, store, "live-"+name, noon.Add(-time.Hour))
	}
	keepTimelines(t, store)
	for name, remove := range deletes {
		for _, id := range []string{"live-" + name, "expired-" + name} {
			if _, err := store.Provision(t.Context(), id); err != nil {
				t.Fatalf("of %s nothing is kept: %v", id, err)
			}
			if err := remove(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Provision(t.Context(), id); flow.CodeOf(err) != flow.NotFound {
				t.Errorf("of %s, which is deleted, there is still: %v", id, err)
			}
		}
	}
}

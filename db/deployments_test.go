package db_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

func ptr[T any](v T) *T { return &v }

func TestWhatIsNotSaidOfADeploymentStays(t *testing.T) {
	t.Parallel()
	clock := noon
	store, _ := setupAt(t, &clock)
	change := func(after time.Duration, c flow.DeploymentChange) flow.DeploymentRecord {
		t.Helper()
		clock = noon.Add(after)
		r, err := store.PutDeployment(t.Context(), "d1", c)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	change(0, flow.DeploymentChange{Provider: ptr("aws"), Regions: []string{"a", "b"}, Meta: []byte(`{"b":1, "a":2}`)})
	r := change(time.Second, flow.DeploymentChange{SovereignFQDN: ptr("x.example")})
	if r.Provider != "aws" || !slices.Equal(r.Regions, []string{"a", "b"}) || string(r.Meta) != `{"b":1, "a":2}` ||
		r.SovereignFQDN != "x.example" || !r.CreatedAt.Equal(noon) || !r.UpdatedAt.Equal(clock) {
		t.Errorf("got %+v", r)
	}
	if again := change(time.Minute, flow.DeploymentChange{Provider: ptr("aws")}); !again.UpdatedAt.Equal(r.UpdatedAt) {
		t.Errorf("what changed nothing is an update at %s", again.UpdatedAt)
	}
	r = change(time.Hour, flow.DeploymentChange{Provider: ptr(""), Regions: []string{}, Meta: []byte(`{}`)})
	if r.Provider != "" || len(r.Regions) != 0 || string(r.Meta) != `{}` || r.SovereignFQDN != "x.example" {
		t.Errorf("cleared: %+v", r)
	}
}

func TestAPutOfADeploymentMakesNoFlow(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	r, err := store.PutDeployment(t.Context(), "d1", flow.DeploymentChange{})
	if err != nil || r.HasFlow || r.Status != flow.Pending {
		t.Fatalf("%+v, %v", r, err)
	}
	put(t, store, "d1", func(g *flow.Graph) { g.PutFlow(flow.Flow{ID: "d1", Status: flow.Running}) })
	if r, err = store.DeploymentRecord(t.Context(), "d1"); err != nil || !r.HasFlow || r.Status != flow.Running || r.Version != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	for range 2 {
		if err := store.DeleteDeployment(t.Context(), "d1"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = store.DeploymentRecord(t.Context(), "d1")
	cursors, _ := store.Cursors(t.Context(), []string{"d1"})
	if flow.CodeOf(err) != flow.NotFound || len(cursors) != 0 {
		t.Errorf("left: %v, %v", err, cursors)
	}
}

func TestDeploymentsArePagedNewestFirst(t *testing.T) {
	t.Parallel()
	clock := noon
	store, _ := setupAt(t, &clock)
	for i, id := range []string{"a", "b", "c", "d", "e"} {
		clock = noon.Add(time.Duration(i/2) * time.Microsecond) // pairs of one moment
		if _, err := store.PutDeployment(t.Context(), id, flow.DeploymentChange{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{1, 2, 3, 5, 9} {
		var got []string
		for place := (flow.DeploymentPlace{}); ; {
			page, err := store.DeploymentRecords(t.Context(), "", place, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				got = append(got, r.ID)
			}
			place = page[len(page)-1].Place()
		}
		if !slices.Equal(got, []string{"e", "d", "c", "b", "a"}) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
}

func TestOnlyKnownDeploymentsHaveRegions(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	if _, err := store.PutDeployment(t.Context(), "d", flow.DeploymentChange{Regions: []string{"hel1", "fsn1"}}); err != nil {
		t.Fatal(err)
	}
	put(t, store, "e", func(*flow.Graph) {}) // a flow, and no deployment
	got, err := store.DeploymentRegions(t.Context(), []string{"d", "e", "f"})
	if err != nil || len(got) != 1 || !slices.Equal(got["d"], []string{"hel1", "fsn1"}) {
		t.Errorf("%v, %v", got, err)
	}
}

// Who puts one gets what was put, also where somebody deletes it a moment later.
func TestWhoPutsADeploymentGetsIt(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for range 300 {
				if r, err := store.PutDeployment(t.Context(), "d", flow.DeploymentChange{Provider: ptr("aws")}); err != nil || r.Provider != "aws" {
					t.Errorf("put, and got %v (%v)", r, err)
					return
				}
			}
		})
	}
	both.Go(func() {
		for range 300 {
			if err := store.DeleteDeployment(t.Context(), "d"); err != nil {
				t.Error(err)
			}
		}
	})
	both.Wait()
}

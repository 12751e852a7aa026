package helmwatch

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// shelf is a flow that shows some jobs.
type shelf struct {
	jobs []flow.PlacedJob
	err  error
}

func (s shelf) Jobs(context.Context, string, ...flow.Status) ([]flow.PlacedJob, error) {
	return s.jobs, s.err
}

// placed is a job of a component in a region.
func placed(component, region string) flow.PlacedJob {
	var j flow.PlacedJob
	j.AppID, j.Region = component, region
	return j
}

// What is there and is not shown is said again, although it was said before: by a key it
// would be taken for known. What went meanwhile is not, nor what another region shows kept.
func TestWhatIsNotShownIsSaidAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		shelf  shelf
		gone   string // that was there when it was listed
		wanted []string
	}{
		{"all are shown", shelf{jobs: []flow.PlacedJob{placed("gitea", ""), placed("redis@apps", "")}}, "", nil},
		{"one is missing", shelf{jobs: []flow.PlacedJob{placed("gitea", "")}}, "", []string{"redis"}},
		{"its namesake is shown", shelf{jobs: []flow.PlacedJob{placed("gitea", ""), placed("redis", "")}}, "", []string{"redis"}},
		{"another region shows them", shelf{jobs: []flow.PlacedJob{placed("gitea", "nbg1"), placed("redis@apps", "nbg1")}}, "", []string{"gitea", "redis"}},
		{"one went meanwhile", shelf{}, "gitea", []string{"redis"}},
		{"the record cannot be read", shelf{err: &flow.Error{Code: flow.Unavailable}}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{Jobs: tt.shelf, Logger: slog.New(slog.DiscardHandler)}).idle(nobody)
			s := c.newSession(flow.WatchTerm{WatchKey: c.WatchKey, Term: 1}, func(error) {})
			for name, namespace := range map[string]string{"bp-gitea": "flux-system", "bp-redis": "apps"} {
				s.releases.put(seenNow(t, namespace, name))
			}
			all := s.releases.all()
			s.releases.remove(Release{"flux-system", "bp-" + tt.gone})
			s.sayMissing(t.Context(), all)
			wantSaid(t, s, tt.wanted)
		})
	}
}

func seenNow(t *testing.T, namespace, name string) seen {
	t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"namespace": namespace, "name": name}}}
	o, err := Observe(u, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return seen{o, u}
}

// wantSaid checks of which components something was said, in any order, and that nothing of
// it has a key.
func wantSaid(t *testing.T, s *session, wanted []string) {
	t.Helper()
	got := map[string]bool{}
	for len(s.events.in) > 0 {
		item := (<-s.events.in).item
		got[item.Observation.(bridge.Event).Component] = true
		if item.Key != (flow.Fingerprint{}) {
			t.Errorf("%v has a key", item.Observation)
		}
	}
	for _, name := range wanted {
		if !got[name] {
			t.Errorf("%s is not said again, of %v", name, got)
		}
	}
	if len(got) != len(wanted) {
		t.Errorf("said again are %v, want %v", got, wanted)
	}
}

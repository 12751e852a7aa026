package helmwatch_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// roundTrip sends an event as a provisioning API would, and wants it to arrive as it is.
func roundTrip(t *testing.T, e bridge.Event) bridge.Event {
	t.Helper()
	line, err := json.Marshal(e.Wire())
	if err != nil {
		t.Fatal(err)
	}
	got, err := bridge.ParseEvent(line, later)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if !reflect.DeepEqual(got, e) {
		t.Fatalf("%s\narrives as %+v\nnot as     %+v", line, got, e)
	}
	return got
}

func TestEventsTravel(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "releases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d objects: %v", len(files), err)
	}
	for _, file := range files {
		for _, e := range observe(t, object(t, strings.TrimSuffix(filepath.Base(file), ".yaml"))).Events("hel1") {
			roundTrip(t, e)
		}
	}
}

// history folds what objects say, one after another, into a flow; each is observed by
// somebody who knows only the object.
type history struct {
	t     *testing.T
	graph *flow.Graph
	flow.Changes
}

func watch(t *testing.T, objects ...string) *history {
	h := &history{t: t, graph: flow.NewGraph("d1")}
	for _, name := range objects {
		h.see(observe(t, object(t, name)).Events(""))
	}
	return h
}

// see applies events as one transaction.
func (h *history) see(events []bridge.Event) flow.Changes {
	ledger := bridge.NewLedger(h.graph, flow.Deployment{}, later)
	for _, e := range events {
		e.Apply(ledger)
	}
	c := ledger.Changes()
	h.Executions = append(h.Executions, c.Executions...)
	h.Transitions = append(h.Transitions, c.Transitions...)
	h.Lines = append(h.Lines, c.Lines...)
	return c
}

func (h *history) job(name string) flow.Job {
	h.t.Helper()
	j, ok := h.graph.Job("d1:" + name)
	if !ok {
		h.t.Fatalf("there is no job %s", name)
	}
	return j
}

// attempts gives the last word on each execution of a job.
func (h *history) attempts(name string) []string {
	var all []string
	for _, x := range h.Executions {
		for len(all) < x.Attempt {
			all = append(all, "")
		}
		if x.JobID == "d1:"+name {
			all[x.Attempt-1] = fmt.Sprintf("%s %s-%s", x.Status, second(x.StartedAt), strings.TrimPrefix(second(x.FinishedAt), "-"))
		}
	}
	return all
}

func TestWhatIsSeenBecomesAttempts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		objects  []string
		status   flow.Status
		state    string
		attempts []string
	}{
		{"an install", []string{"fresh", "preparing", "waiting_dependency", "installing", "installed"}, flow.Succeeded, "installed", []string{"succeeded 18-70"}},
		{"an install that was not watched", []string{"installed"}, flow.Succeeded, "installed", []string{"succeeded 20-70"}},
		{"waiting", []string{"fresh", "preparing", "waiting_dependency"}, flow.Pending, "waiting", nil},
		{"looked after", []string{"installed", "looked_after", "installed"}, flow.Succeeded, "installed", []string{"succeeded 20-70"}},
		{"drift corrected", []string{"installed", "drift_corrected", "installed"}, flow.Succeeded, "installed", []string{"succeeded 20-70"}},
		{"an upgrade", []string{"installed", "generation_ahead", "waiting_artifact_installed", "upgrading", "upgraded"}, flow.Succeeded, "installed", []string{"succeeded 20-70", "succeeded 400-450"}},
		{"an upgrade that waits", []string{"installed", "generation_ahead", "waiting_artifact_installed"}, flow.Succeeded, "waiting", []string{"succeeded 20-70"}},
		{"an upgrade that was not watched", []string{"installed", "upgraded"}, flow.Succeeded, "installed", []string{"succeeded 20-70", "succeeded 401-450"}},
		{"nothing was watched", []string{"upgraded"}, flow.Succeeded, "installed", []string{"succeeded 20-20", "succeeded 401-450"}},
		{"other values are no attempt", []string{"installed", "values_changed"}, flow.Succeeded, "installed", []string{"succeeded 20-70"}},
		{"a retry", []string{"installing", "retrying", "second_try"}, flow.Running, "installing", []string{"failed 18-320", "running 320-"}},
		{"a retry of which nothing is left", []string{"installing", "retrying_unremembered"}, flow.Running, "retrying", []string{"failed 18-30", "running 30-"}},
		{"retries that were not watched", []string{"many_tries"}, flow.Succeeded, "installed", []string{"failed 20-20", "failed 330-330", "succeeded 640-700"}},
		{"of three tries one was watched", []string{"installing", "many_tries"}, flow.Succeeded, "installed", []string{"failed 18-20", "failed 330-330", "succeeded 640-700"}},
		{"of three tries two were watched", []string{"installing", "retrying", "many_tries"}, flow.Succeeded, "installed", []string{"failed 18-320", "failed 320-330", "succeeded 640-700"}},
		{"a rollback", []string{"installed", "upgrading", "remediating", "rolled_back"}, flow.Failed, "rolled-back", []string{"succeeded 20-70", "failed 400-500"}},
		{"a rollback that was not watched", []string{"rolled_back_stalled"}, flow.Failed, "rolled-back", []string{"succeeded 20-20", "failed 401-500"}},
		{"given up", []string{"installing", "stalled"}, flow.Failed, "stalled", []string{"failed 18-955"}},
		{"given up, and something else is wanted", []string{"installing", "retrying_unremembered", "stalled_and_changed"}, flow.Failed, "failed", []string{"failed 18-30", "failed 30-955"}},
		{"tests that fail", []string{"installing", "test_failed"}, flow.Failed, "failed", []string{"failed 18-90"}},
		{"suspended", []string{"installed", "suspended_installed"}, flow.Succeeded, "suspended", []string{"succeeded 20-70"}},
		{"suspended and no more", []string{"installed", "suspended_installed", "looked_after"}, flow.Succeeded, "installed", []string{"succeeded 20-70"}},
		{"suspended after it failed", []string{"suspended_failed"}, flow.Failed, "suspended", []string{"failed 20-320"}},
		{"suspended while it is installed", []string{"installing", "suspended_installing"}, flow.Running, "suspended", []string{"running 18-"}},
		{"suspended from the start", []string{"suspended_new"}, flow.Pending, "suspended", nil},
		{"a build is added to the version", []string{"installing", "chart_ref"}, flow.Succeeded, "installed", []string{"succeeded 18-70"}},
		{"being deleted", []string{"installed", "deleting"}, flow.Succeeded, "uninstalling", []string{"succeeded 20-70"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := watch(t, tt.objects...)
			j := h.job("install-gitea")
			if got := h.attempts("install-gitea"); j.Status != tt.status || j.State != tt.state || !slices.Equal(got, tt.attempts) {
				t.Errorf("%s/%s with %q, want %s/%s with %q", j.Status, j.State, got, tt.status, tt.state, tt.attempts)
			}
			// Who begins anew says all of it once more: nothing is new, nothing moves.
			last := tt.objects[len(tt.objects)-1]
			if c := h.see(observe(t, object(t, last)).Events("")); !c.Empty() {
				t.Errorf("%s again changes %+v", last, c)
			}
		})
	}
}

package helmwatch_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/helmwatch"
)

var muchLater = noon.Add(24 * time.Hour)

// fold sees objects one after another; through the wire where asked.
func fold(t *rapid.T, objects []*unstructured.Unstructured, travels bool) *history {
	h := &history{graph: flow.NewGraph("d1")}
	for _, u := range objects {
		o, err := helmwatch.Observe(u, muchLater)
		if err != nil {
			t.Fatal(err)
		}
		events := o.Events("")
		if travels {
			events = sent(t, events)
		}
		h.see(events)
	}
	return h
}

func sent(t *rapid.T, events []bridge.Event) []bridge.Event {
	arrived := make([]bridge.Event, len(events))
	for i, e := range events {
		line, err := json.Marshal(e.Wire())
		if err == nil {
			arrived[i], err = bridge.ParseEvent(line, muchLater)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return arrived
}

// live draws a release's life.
func (c *controller) live(t *rapid.T) []*unstructured.Unstructured {
	for range rapid.IntRange(0, 25).Draw(t, "steps") {
		c.step(t)
	}
	return c.seen
}

// glimpses draws what somebody saw of it: some, again and again, in any order, and the last.
func glimpses(t *rapid.T, all []*unstructured.Unstructured) []*unstructured.Unstructured {
	some := rapid.SliceOfN(rapid.SampledFrom(all), 0, 2*len(all)).Draw(t, "some")
	at := rapid.IntRange(0, len(some)).Draw(t, "at")
	return slices.Insert(slices.Clone(some), at, all[len(all)-1])
}

// state is what a client sees of the release now, but for how often it was tried. Of an
// attempt that left nothing, and is not what is wanted any more, nobody knows the chart who
// did not see it.
func state(h *history, chart bool) string {
	j, _ := h.graph.Job("d1:install-gitea")
	if !chart {
		j.ChartVersion = ""
	}
	return fmt.Sprintln(j.Status, j.State, j.ChartVersion, sorted(h.graph.Dependencies(j.ID)))
}

func sorted(ids []string) []string {
	slices.Sort(ids)
	return ids
}

// Whatever of a release's life is seen, how often and in which order: once its last state is
// among it, it is what it would be had all of it been seen.
func TestAnyPartOfALifeEndsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newController()
		c.helmKnows = rapid.Bool().Draw(t, "helm knows")
		all := c.live(t)
		some := glimpses(t, all)
		whole, part := fold(t, all, false), fold(t, some, false)
		if got, want := state(part, c.helmKnows), state(whole, c.helmKnows); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
		wantAttempts(t, part)
		wantAttempts(t, whole)
		if c := part.see(observed(t, some[len(some)-1])); !c.Empty() {
			t.Errorf("seen again it changes %+v", c)
		}
	})
}

func observed(t *rapid.T, u *unstructured.Unstructured) []bridge.Event {
	o, err := helmwatch.Observe(u, muchLater)
	if err != nil {
		t.Fatal(err)
	}
	return o.Events("")
}

// wantAttempts wants attempts that count from one, follow each other and end once, and one
// that runs exactly while the job does.
func wantAttempts(t *rapid.T, h *history) {
	last := map[int]flow.Execution{}
	for _, x := range h.Executions {
		if was, known := last[x.Attempt]; known && was.Status.Terminal() && was != x {
			t.Errorf("attempt %d ended twice: %+v, %+v", x.Attempt, was, x)
		}
		if _, before := last[x.Attempt-1]; x.Attempt > 1 && !before {
			t.Errorf("attempt %d comes before the one before it", x.Attempt)
		}
		last[x.Attempt] = x
	}
	j, _ := h.graph.Job("d1:install-gitea")
	if len(last) != j.Attempt {
		t.Errorf("%d attempts, the job says %d", len(last), j.Attempt)
	}
	for n, x := range last {
		if (x.Status == flow.Running) != (n == j.Attempt && j.Status == flow.Running) {
			t.Errorf("attempt %d of %d is %s, the job is %s", n, j.Attempt, x.Status, j.Status)
		}
		if n > 1 && x.StartedAt.Before(last[n-1].StartedAt) {
			t.Errorf("attempt %d began before the one before it", n)
		}
	}
}

// Every attempt that Helm made is told of once, watched or not, where the last state alone
// is seen: what followed a failure, and what was another chart.
func TestAttemptsThatNobodyWatched(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newController()
		c.helmKnows = true
		all := c.live(t)
		last := all[len(all)-1]
		history, _, _ := unstructured.NestedSlice(last.Object, "status", "history")
		want := []string{}
		ended, chart := "", ""
		for _, s := range history {
			snapshot := s.(map[string]any)
			status, version := "failed", fmt.Sprint(snapshot["chartVersion"])
			if snapshot["status"] != "failed" {
				status = "succeeded"
			}
			if status != "succeeded" || ended != "succeeded" || version != chart {
				want = append(want, status)
			}
			ended, chart = status, version
		}
		h := fold(t, []*unstructured.Unstructured{last}, false)
		var got []string
		for _, a := range h.attempts("install-gitea") {
			if status, _, _ := strings.Cut(a, " "); status != "running" {
				got = append(got, status)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// The same events posted as lines give the same changes.
func TestPostedEventsGiveTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		some := glimpses(t, newController().live(t))
		seen, posted := fold(t, some, false), fold(t, some, true)
		a, _ := json.Marshal(seen.Changes)
		b, _ := json.Marshal(posted.Changes)
		if string(a) != string(b) || state(seen, true) != state(posted, true) {
			t.Errorf("seen   %s\nposted %s", a, b)
		}
	})
}

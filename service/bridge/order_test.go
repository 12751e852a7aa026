package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// outcome is what a flow has come to: the status of every job and of the flow, and how the
// latest attempt at each job ended.
type outcome struct {
	statuses, ends map[string]string
}

func outcomeOf(events []bridge.Event) outcome {
	g := flow.NewGraph("d1")
	for _, e := range events {
		ledger := bridge.NewLedger(g, flow.Deployment{}, noon)
		e.Apply(ledger)
		ledger.Changes()
	}
	o := outcome{map[string]string{"flow": string(g.Flow().Status)}, map[string]string{}}
	for _, id := range g.JobsOf(flow.SourceBridge) {
		j, _ := g.Job(id)
		o.statuses[id] = string(j.Status)
		if x := g.BridgeCursor(id).Execution; x.ID != "" {
			o.ends[id] = fmt.Sprintf("%s %g", x.Status, x.FinishedAt.Sub(noon).Seconds())
		}
	}
	return o
}

// A subscriber is told of every version: who waits for a snapshot's cursor does not wait in vain.
func TestWhatMovesTheVersionIsShown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := flow.NewGraph("d1")
		for _, e := range rapid.Permutation(drawEvents(t, false)).Draw(t, "events") {
			ledger := bridge.NewLedger(g, flow.Deployment{}, noon)
			e.Apply(ledger)
			if c := ledger.Changes(); c.Moves() != c.Shows() {
				t.Fatalf("nothing is shown of %+v", c)
			}
		}
	})
}

// drawEvents draws what a provision says, each fact at a time of its own: steps that begin,
// fail, succeed and begin again, and then components with or without a chart's version.
// In one run each step comes after the one before it and ends once.
func drawEvents(t *rapid.T, oneRun bool) []bridge.Event {
	var events []bridge.Event
	times := rapid.Permutation(seconds(120)).Draw(t, "times")
	at := func(from, to int) time.Time {
		i := slices.IndexFunc(times, func(s int) bool { return from <= s && s < to })
		s := times[i]
		times = slices.Delete(times, i, i+1)
		return noon.Add(time.Duration(s) * time.Second)
	}
	for i, step := range flow.Steps {
		from, to := 0, 50
		if oneRun {
			from, to = 10*i, 10*i+8
		}
		for range rapid.IntRange(0, 4).Draw(t, step) {
			e := bridge.Event{Time: at(from, to), Phase: step, Level: "info"}
			if !oneRun {
				e.State = rapid.SampledFrom([]string{"", "", "", "failed", "succeeded"}).Draw(t, "end")
			}
			events = append(events, e)
		}
		if state := rapid.SampledFrom([]string{"", "failed", "succeeded"}).Draw(t, "end"); oneRun && state != "" {
			events = append(events, bridge.Event{Time: at(to, to+2), Phase: step, Level: "info", State: state})
		}
	}
	for _, name := range []string{"a", "b"} {
		versioned := rapid.Bool().Draw(t, "versioned")
		upgraded := noon.Add(time.Duration(rapid.IntRange(50, 120).Draw(t, "upgraded")) * time.Second)
		for range rapid.IntRange(0, 6).Draw(t, name) {
			e := bridge.Event{Time: at(50, 120), Phase: "component", Level: "info", Component: name}
			e.State = rapid.SampledFrom([]string{"pending", "installing", "degraded", "installed", "failed"}).Draw(t, "state")
			if versioned {
				e.ChartVersion = map[bool]string{false: "1", true: "2"}[e.Time.After(upgraded)]
			}
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b bridge.Event) int { return a.Time.Compare(b.Time) })
	return events
}

func seconds(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func write(events []bridge.Event) string {
	var lines []string
	for _, e := range events {
		lines = append(lines, fmt.Sprintf("%g %s%s state=%s v=%s", e.Time.Sub(noon).Seconds(), e.Phase, e.Component, e.State, e.ChartVersion))
	}
	return strings.Join(lines, "\n")
}

// In whatever order a provision's events are heard, every job ends up with the status that
// it has when they are heard as they happened, and heard again they change nothing.
func TestTheOrderOfArrivalDecidesNoStatus(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t, false)
		heard := rapid.Permutation(events).Draw(t, "heard")
		want, got := outcomeOf(events), outcomeOf(heard)
		for id, status := range want.statuses {
			if got.statuses[id] != status {
				t.Fatalf("%s is %q and would be %q in order; heard\n%s", id, got.statuses[id], status, write(heard))
			}
		}
		again := outcomeOf(slices.Concat(heard, heard))
		if fmt.Sprint(again.statuses) != fmt.Sprint(got.statuses) {
			t.Fatalf("heard again: %v, then %v\n%s", got.statuses, again.statuses, write(heard))
		}
	})
}

// Where the facts that end attempts are heard in their order, and anything else in any, the
// latest attempt at each job of one run ends as it does when all is heard as it happened.
func TestTheLatestAttemptEndsAsItHappened(t *testing.T) {
	t.Parallel()
	ends := func(e bridge.Event) bool {
		return slices.Contains([]string{"failed", "succeeded", "installed"}, e.State)
	}
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t, true)
		said := map[string]string{}
		events = slices.DeleteFunc(events, func(e bridge.Event) bool { // the same end is said once
			of := e.Phase + e.Component
			again := ends(e) && said[of] == e.State
			if ends(e) {
				said[of] = e.State
			}
			return again
		})
		heard := rapid.Permutation(events).Draw(t, "heard")
		inOrder := slices.DeleteFunc(slices.Clone(events), func(e bridge.Event) bool { return !ends(e) })
		for i, e := range heard {
			if ends(e) {
				heard[i], inOrder = inOrder[0], inOrder[1:]
			}
		}
		want, got := outcomeOf(events), outcomeOf(heard)
		for id, end := range want.ends {
			if got.ends[id] != end {
				t.Fatalf("%s: %q, in order %q; heard\n%s", id, got.ends[id], end, write(heard))
			}
		}
	})
}

func TestWhatIsHeardLate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, job string
		events    []string
		status    flow.Status
		attempts  []string
	}{
		{"a step's error before a newer line of it", "tofu-apply", []string{"0 tofu-apply", "10 tofu-apply msg=on", "5 tofu-apply level=error msg=boom"},
			flow.Running, []string{"failed 0-5", "running 10-"}},
		{"an error before the line after which the next one began", "tofu-plan", []string{"0 tofu-plan", "6 tofu-plan", "9 tofu-apply", "3 tofu-plan level=error"},
			flow.Succeeded, []string{"failed 0-3", "succeeded 6-9"}},
		{"that it succeeded before the next one began", "tofu-plan", []string{"0 tofu-plan", "9 tofu-apply", "7 tofu-plan state=succeeded"},
			flow.Succeeded, []string{"succeeded 0-7"}},
		{"the next one's first line", "tofu-plan", []string{"0 tofu-plan", "9 tofu-apply", "8 tofu-apply"},
			flow.Succeeded, []string{"succeeded 0-8"}},
		{"the end of a step that was heard of again since", "tofu-apply", []string{"0 tofu-plan", "5 tofu-apply", "9 tofu-plan"},
			flow.Succeeded, []string{"succeeded 5-9"}},
		{"the success of a component that is looked at", "install-x", []string{"9 - c=x state=installing", "5 - c=x state=installed"},
			flow.Succeeded, []string{"succeeded 5-5"}},
		{"a failure before the retry", "install-x", []string{"1 - c=x state=installing", "9 - c=x state=installing", "5 - c=x state=failed"},
			flow.Running, []string{"failed 1-5", "running 9-"}},
		{"a failure between success and a look at it", "install-x", []string{"1 - c=x state=installed", "9 - c=x state=installing", "5 - c=x state=failed"},
			flow.Running, []string{"succeeded 1-1", "failed 5-5", "running 9-"}},
		{"the success of the version before", "install-x", []string{"9 - c=x state=installing v=2", "5 - c=x state=installed v=1"},
			flow.Running, []string{"running 9-"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			play(t, tt.events...).is(tt.job, tt.status, tt.attempts...)
		})
	}
}

// What comes after a success is another endeavour: how long it takes says nothing of the
// weeks before. Retries are of one.
func TestAnUpgradeBeginsAnew(t *testing.T) {
	t.Parallel()
	h := play(t, "0 - c=x state=installing v=1", "5 - c=x state=failed v=1", "6 - c=x state=installing v=1", "9 - c=x state=installed v=1")
	if j := h.job("install-x"); j.Duration(noon) != 9*time.Second {
		t.Errorf("with its retry it took %s: %+v", j.Duration(noon), j)
	}
	h = play(t, "0 - c=x state=installed v=1", "1000 - c=x state=installing v=2", "1003 - c=x state=failed v=2", "1010 - c=x state=installed v=2")
	if j := h.job("install-x"); j.Duration(noon) != 10*time.Second || !h.job("bootstrap-kit").StartedAt.Equal(j.StartedAt) {
		t.Errorf("the upgrade took %s: %+v", j.Duration(noon), j)
	}
}

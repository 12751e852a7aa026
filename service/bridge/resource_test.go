package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

func TestResources(t *testing.T) {
	t.Parallel()
	const begins, fails, succeeds = "0 tofu-apply", "9 tofu-apply state=failed msg=exit", "9 tofu-apply state=succeeded"
	tests := []struct {
		name   string
		events []string
		step   flow.Status // as clients see it
		status flow.Status
		state  string
		want   []string // attempts
	}{
		{"planned", []string{begins, "1 - r=a.b state=planned act=create"}, flow.Running, flow.Pending, "planned", nil},
		{"running", []string{begins, "1 - r=a.b state=planned", "2 - r=a.b state=running"}, flow.Running, flow.Running, "running", []string{"running 2-"}},
		{"done, and the step is not over", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=succeeded"}, flow.Running, flow.Succeeded, "succeeded", []string{"succeeded 2-3"}},
		{"done with its step", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=succeeded", succeeds}, flow.Succeeded, flow.Succeeded, "succeeded", []string{"succeeded 2-3"}},
		{"failed", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=failed msg=no", fails}, flow.Failed, flow.Failed, "failed", []string{"failed 2-3"}},
		{"never seen running", []string{begins, "3 - r=a.b state=failed msg=no"}, flow.Failed, flow.Failed, "failed", []string{"failed 3-3"}},
		{"the step fails for another reason", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=succeeded", fails}, flow.Failed, flow.Succeeded, "succeeded", []string{"succeeded 2-3"}},
		{"never begun", []string{begins, "1 - r=a.b state=planned", fails}, flow.Failed, flow.Pending, "cancelled", nil},
		{"no change after all", []string{begins, "1 - r=a.b state=planned", succeeds}, flow.Succeeded, flow.Succeeded, "no-op", nil},
		{"no change after all, planned heard late", []string{begins, succeeds, "1 - r=a.b state=planned"}, flow.Succeeded, flow.Succeeded, "no-op", nil},
		{"no change after all, the step's end heard late", []string{begins, "1 - r=a.b state=planned", "5 tofu-output", "4 tofu-apply state=succeeded"}, flow.Succeeded, flow.Succeeded, "no-op", nil},
		{"thought to be no change", []string{begins, "1 - r=a.b state=planned", succeeds, "2 - r=a.b state=running", "4 - r=a.b state=succeeded"}, flow.Succeeded, flow.Succeeded, "succeeded", []string{"succeeded 2-4"}},
		{"no change after all, and not part of the next run", []string{begins, "1 - r=a.b state=planned", succeeds, "20 tofu-apply", "29 tofu-apply state=failed msg=exit"}, flow.Failed, flow.Succeeded, "no-op", nil},
		{"planned before, and not part of this run", []string{begins, "1 - r=a.b state=planned", fails, "20 tofu-apply", "29 tofu-apply state=succeeded"}, flow.Succeeded, flow.Pending, "cancelled", nil},
		{"its end never said", []string{begins, "2 - r=a.b state=running", fails}, flow.Failed, flow.Failed, "failed", []string{"failed 2-9"}},
		{"its end said late", []string{begins, "2 - r=a.b state=running", fails, "4 - r=a.b state=succeeded"}, flow.Failed, flow.Succeeded, "succeeded", []string{"succeeded 2-4"}},
		{"planned, heard late", []string{begins, fails, "1 - r=a.b state=planned"}, flow.Failed, flow.Pending, "cancelled", nil},
		{"no word of the step itself", []string{"2 - r=a.b state=running"}, flow.Running, flow.Running, "running", []string{"running 2-"}},
		{"the next step begins", []string{begins, "1 - r=a.b state=planned", "5 tofu-output"}, flow.Succeeded, flow.Pending, "cancelled", nil},
		{"the next step begins while it runs", []string{begins, "1 - r=a.b state=running", "5 tofu-output"}, flow.Running, flow.Running, "running", []string{"running 1-"}},
		{"replaced in two halves", []string{begins, "1 - r=a.b state=planned act=replace", "2 - r=a.b state=running", "4 - r=a.b state=running", "5 - r=a.b state=succeeded"}, flow.Running, flow.Succeeded, "succeeded", []string{"succeeded 2-5"}},
		{"done, and then found to be wrong", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=succeeded", "4 - r=a.b state=failed msg=postcondition", fails}, flow.Failed, flow.Failed, "failed", []string{"failed 2-4"}},
		{"applied again", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=failed msg=no", fails, "20 tofu-apply", "22 - r=a.b state=planned", "23 - r=a.b state=running"}, flow.Running, flow.Running, "running", []string{"failed 2-3", "running 23-"}},
		{"failed before, and not part of this run", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=failed msg=no", fails, "20 tofu-apply", "29 tofu-apply state=succeeded"}, flow.Succeeded, flow.Pending, "cancelled", []string{"failed 2-3"}},
		{"destroyed later", []string{begins, "2 - r=a.b state=running act=create", "3 - r=a.b state=succeeded", succeeds, "21 - r=a.b state=planned act=delete", "22 - r=a.b state=running", "24 - r=a.b state=succeeded"}, flow.Running, flow.Succeeded, "succeeded", []string{"succeeded 2-3", "succeeded 22-24"}},
		{"late", []string{begins, "2 - r=a.b state=running", "3 - r=a.b state=succeeded", "2.5 - r=a.b state=running"}, flow.Running, flow.Succeeded, "succeeded", []string{"succeeded 2-3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := play(t, tt.events...)
			h.is("tofu-apply/a.b", tt.status, tt.want...)
			if j := h.job("tofu-apply/a.b"); j.State != tt.state {
				t.Errorf("its state is %s, want %s", j.State, tt.state)
			}
			if got := h.job("tofu-apply").Status; got != tt.step {
				t.Errorf("the step is %s, want %s", got, tt.step)
			}
		})
	}
}

func TestAStepThatEndedIsOver(t *testing.T) {
	t.Parallel()
	h := play(t, "0 tofu-apply", "1 - r=a.b state=planned", "1 - r=c.d state=planned", "2 - r=a.b state=running", "4 - r=a.b state=failed msg=no", "9 tofu-apply state=failed msg=exit")
	f := h.graph.Flow()
	if f.Status != flow.Failed || f.EndedAt != noon.Add(9e9) {
		t.Errorf("the flow is %s, ended %v", f.Status, f.EndedAt)
	}
	if j := h.job("provisioner"); j.Status != flow.Failed || j.FinishedAt != noon.Add(9e9) {
		t.Errorf("the group is %s, ended %v", j.Status, j.FinishedAt)
	}
}

// A resource's time is that of what is done to it now: of all tries since it last was done.
func TestSinceWhenAResourceIsWorkedOn(t *testing.T) {
	t.Parallel()
	const done, fails = "3 - r=a.b state=succeeded", "3 - r=a.b state=failed msg=no"
	for first, began := range map[string]time.Time{done: noon.Add(22e9), fails: noon.Add(2e9)} {
		h := play(t, "0 tofu-apply", "2 - r=a.b state=running", first, "9 tofu-apply state=succeeded",
			"20 tofu-apply", "21 - r=a.b state=planned act=replace", "22 - r=a.b state=running", "24 - r=a.b state=succeeded")
		if j := h.job("tofu-apply/a.b"); !j.StartedAt.Equal(began) || !j.FinishedAt.Equal(noon.Add(24e9)) {
			t.Errorf("after %s: from %v to %v", first, j.StartedAt, j.FinishedAt)
		}
	}
}

func TestWhyAResourceNeverBegan(t *testing.T) {
	t.Parallel()
	for end, why := range map[string]string{"9 tofu-apply state=failed msg=exit": "ended before it began", "9 tofu-apply state=succeeded": "nothing left to do"} {
		h := play(t, "0 tofu-apply", "1 - r=a.b state=planned", end)
		if j := h.job("tofu-apply/a.b"); !strings.Contains(j.Reason, why) {
			t.Errorf("after %s: %s", end, j.Reason)
		}
	}
}

// It is as it should be once all it waits for is, so that it is not what a run ends with.
func TestSinceWhenNothingWasLeftToDo(t *testing.T) {
	t.Parallel()
	const planned, done, ends = "1 - r=a.b state=planned deps=c.d", "4 - r=c.d state=succeeded", "9 tofu-apply state=succeeded"
	for at, events := range map[time.Time][]string{
		noon.Add(1e9): {"0 tofu-apply", planned, ends},
		noon.Add(4e9): {"0 tofu-apply", "1 - r=c.d state=planned", planned, "2 - r=c.d state=running", done, ends},
	} {
		if j := play(t, events...).job("tofu-apply/a.b"); j.State != flow.StateNoOp || !j.StartedAt.Equal(at) || !j.FinishedAt.Equal(at) {
			t.Errorf("it is %s from %v to %v, want %v", j.State, j.StartedAt, j.FinishedAt, at)
		}
	}
}

func TestAResourcesJob(t *testing.T) {
	t.Parallel()
	h := play(t, "0 tofu-apply", "1 - r=m.x state=planned act=replace deps=a.b", "1 - r=a.b state=planned act=create deps=-", "2 - r=a.b state=running msg=Creating...")
	j := h.job("tofu-apply/m.x")
	if j.Label() != "m.x" || j.Family != "tofu" || j.Action != "replace" || j.Type != flow.TypeInstall || !slices.Equal(j.WaitingOn, []string{"d1:tofu-apply/a.b"}) {
		t.Errorf("got %+v", j)
	}
	if step := h.job("tofu-apply"); step.Type != flow.TypeGroup || step.Family != "tofu" || h.job("provisioner").Status != flow.Running {
		t.Errorf("the step is %+v", step)
	}
	if got := h.graph.Contained("d1:tofu-apply"); !slices.Equal(got, []string{"d1:tofu-apply/m.x", "d1:tofu-apply/a.b"}) {
		t.Errorf("the step contains %v", got)
	}
	again := play(t, "0 tofu-apply", "1 - r=a.b state=planned act=create deps=c.d", "1 - r=c.d state=planned deps=-",
		"11 - r=c.d state=planned act=delete deps=a.b", "11 - r=a.b state=planned act=delete deps=-", "12 - r=c.d state=planned act=delete deps=a.b")
	if got := again.graph.Dependencies("d1:tofu-apply/c.d"); !slices.Equal(got, []string{"d1:tofu-apply/a.b"}) {
		t.Errorf("once it is destroyed it depends on %v", got)
	}
}

func TestLinesOfAResource(t *testing.T) {
	t.Parallel()
	h := play(t, "0 tofu-apply", "1 - r=a.b state=planned msg=plan", "1 - r=a.b msg=refreshed", "2 - r=a.b state=running msg=creating", "3 - r=a.b msg=working",
		"4 - r=a.b state=succeeded msg=created", "5 - r=a.b msg=more", "6 - r=other.x msg=unchanged", "9 tofu-apply state=succeeded msg=over", "20 tofu-apply msg=again", "21 - r=a.b msg=looked-at")
	if got := h.lines("tofu-apply/a.b:1"); !slices.Equal(got, []string{"creating", "working", "created", "more"}) {
		t.Errorf("its log is %v", got)
	}
	if got := h.lines("tofu-apply:1"); !slices.Equal(got, []string{"plan", "refreshed", "unchanged", "over"}) {
		t.Errorf("the step's log is %v", got)
	}
	if got := h.lines("tofu-apply:2"); !slices.Equal(got, []string{"again", "looked-at"}) {
		t.Errorf("the second run's log is %v", got)
	}
	if _, made := h.graph.Job("d1:tofu-apply/other.x"); made {
		t.Error("a line made a job")
	}
}

// Whatever the order in which the events of one run arrive, and however often, it ends with
// the same statuses.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"9 tofu-apply state=failed msg=exit", "9 tofu-apply state=succeeded"} {
		run := []string{
			"0 tofu-apply state=running", "1 - r=ok.a state=planned", "1 - r=bad.b state=planned", "1 - r=never.c state=planned", "1 - r=cut.d state=planned",
			"2 - r=ok.a state=running", "3 - r=ok.a state=succeeded", "3 - r=bad.b state=running", "4 - r=cut.d state=running", "5 - r=bad.b state=failed msg=no",
			"8 - r=bad.b state=failed msg=why", end,
		}
		want := ending(play(t, run...).graph)
		rapid.Check(t, func(rt *rapid.T) {
			events := rapid.Permutation(append(slices.Clone(run), rapid.SliceOf(rapid.SampledFrom(run)).Draw(rt, "repeated")...)).Draw(rt, "events")
			g := flow.NewGraph("d1")
			for _, e := range events {
				l := bridge.NewLedger(g, flow.Deployment{}, noon)
				parse(t, e).Apply(l)
				l.Changes()
			}
			if got := ending(g); got != want {
				rt.Fatalf("%s, want %s", got, want)
			}
		})
	}
}

func ending(g *flow.Graph) string {
	var s []string
	for _, name := range []string{"provisioner", "tofu-apply", "tofu-apply/ok.a", "tofu-apply/bad.b", "tofu-apply/never.c", "tofu-apply/cut.d"} {
		j, _ := g.Job("d1:" + name)
		s = append(s, name+" "+string(j.Status)+" "+j.State)
	}
	return strings.Join(append(s, "flow "+string(g.Flow().Status)), ", ")
}

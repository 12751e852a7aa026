package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

func TestSteps(t *testing.T) {
	t.Parallel()
	t.Run("a step ends when the next one begins", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 tofu-init", "3 tofu-plan", "4 tofu-plan msg=reading")
		h.is("tofu-init", flow.Succeeded, "succeeded 0-3")
		h.is("tofu-plan", flow.Running, "running 3-")
		if got := h.lines("tofu-plan:1"); !slices.Equal(got, []string{"reading"}) {
			t.Errorf("lines %v", got)
		}
	})
	t.Run("the last one ends when the first component is heard of", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 cluster-bootstrap", "9 - c=cilium state=pending")
		h.is("cluster-bootstrap", flow.Succeeded, "succeeded 0-9")
	})
	t.Run("a controller's line before the first component does not keep it running", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 tofu-output", "5 component-log of=x msg=a", "9 - c=x state=pending")
		h.is("tofu-output", flow.Succeeded, "succeeded 0-9")
	})
	t.Run("an error of its phase fails it, an error in tofu's output does not", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 tofu-apply", "1 tofu level=error msg=hm")
		h.is("tofu-apply", flow.Running, "running 0-")
		h = play(t, "0 tofu-apply", "1 tofu-apply level=error msg=boom", "2 tofu-apply level=error msg=exit")
		h.is("tofu-apply", flow.Failed, "failed 0-1")
		if h.job("tofu-apply").Reason != "boom" {
			t.Errorf("reason %q", h.job("tofu-apply").Reason)
		}
	})
	t.Run("its state says how it ended", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 tofu-output", "2 tofu-output state=succeeded", "3 tofu-output state=succeeded")
		h.is("tofu-output", flow.Succeeded, "succeeded 0-2")
	})
	t.Run("running, failed, running again is another attempt", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 tofu-apply", "5 tofu-apply level=error", "7 tofu-apply")
		h.is("tofu-apply", flow.Running, "failed 0-5", "running 7-")
		if j := h.job("tofu-apply"); j.Attempt != 2 || !j.FinishedAt.IsZero() || !j.StartedAt.Equal(noon) {
			t.Errorf("%+v", j)
		}
	})
	t.Run("steps heard of in the wrong order end up the same", func(t *testing.T) {
		t.Parallel()
		h := play(t, "3 tofu-plan", "0 tofu-init", "3.5 tofu-plan")
		h.is("tofu-init", flow.Succeeded, "succeeded 0-3")
		h.is("tofu-plan", flow.Running, "running 3-")
		h = play(t, "9 - c=cilium state=pending", "0 cluster-bootstrap")
		h.is("cluster-bootstrap", flow.Succeeded, "succeeded 0-9")
		h = play(t, "0 tofu-plan", "3 tofu-apply", "2 tofu-plan level=error msg=late")
		h.is("tofu-plan", flow.Failed, "failed 0-2")
		h.is("tofu-apply", flow.Running, "running 3-")
	})
	t.Run("tofu's output belongs to the active step", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 tofu msg=early", "1 tofu-plan", "2 tofu msg=creating")
		if got := h.lines("tofu-init:1"); !slices.Equal(got, []string{"early"}) {
			t.Errorf("output before any step is the first one's: %v", got)
		}
		if got := h.lines("tofu-plan:1"); !slices.Equal(got, []string{"creating"}) {
			t.Errorf("lines %v", got)
		}
	})
	t.Run("a controller's chatter does not end a step of a second run", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 tofu-apply", "5 - c=cilium state=pending", "10 tofu-apply", "11 - c=cilium state=installing")
		h.is("tofu-apply", flow.Running, "succeeded 0-5", "running 10-")
	})
}

func TestComponents(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		events   []string
		status   flow.Status
		attempts []string
		state    string
	}{
		{"pending has no attempt", []string{"0 - c=x state=pending"}, flow.Pending, nil, "pending"},
		{"one attempt", []string{"0 - c=x state=pending", "1 - c=x state=installing", "5 - c=x state=installed"},
			flow.Succeeded, []string{"succeeded 1-5"}, "installed"},
		{"a subsequence of states is enough", []string{"5 - c=x state=installed"}, flow.Succeeded, []string{"succeeded 5-5"}, "installed"},
		{"degraded while installing, and recovered", []string{"1 - c=x state=installing", "2 - c=x state=degraded", "5 - c=x state=installed"},
			flow.Succeeded, []string{"succeeded 1-5"}, "installed"},
		{"failed and installing again is another attempt", []string{"1 - c=x state=installing", "2 - c=x state=failed", "3 - c=x state=installing"},
			flow.Running, []string{"failed 1-2", "running 3-"}, "installing"},
		{"failed and installed: the attempt between was not seen", []string{"2 - c=x state=failed", "9 - c=x state=installed"},
			flow.Succeeded, []string{"failed 2-2", "succeeded 9-9"}, "installed"},
		{"failed said twice is one failure", []string{"2 - c=x state=failed msg=a", "3 - c=x state=failed msg=a"},
			flow.Failed, []string{"failed 2-2"}, "failed"},
		{"a finished install that is reconciled does not run again", []string{"2 - c=x state=installed v=1", "3 - c=x state=installing v=1", "4 - c=x state=pending"},
			flow.Succeeded, []string{"succeeded 2-2"}, "installed"},
		{"a finished install may become degraded", []string{"2 - c=x state=installed", "3 - c=x state=degraded msg=unhealthy"},
			flow.Succeeded, []string{"succeeded 2-2"}, "degraded"},
		{"a new chart version is another attempt", []string{"2 - c=x state=installed v=1", "3 - c=x state=installing v=2", "4 - c=x state=installed v=2"},
			flow.Succeeded, []string{"succeeded 2-2", "succeeded 3-4"}, "installed"},
		{"a new chart version supersedes a running attempt", []string{"2 - c=x state=installing v=1", "3 - c=x state=installing v=2"},
			flow.Running, []string{"failed 2-3", "running 3-"}, "installing"},
		{"waiting again while it runs does not flap", []string{"2 - c=x state=installing", "3 - c=x state=pending"},
			flow.Running, []string{"running 2-"}, "installing"},
		{"a late fact changes nothing", []string{"1 - c=x state=installing", "5 - c=x state=installed", "3 - c=x state=degraded"},
			flow.Succeeded, []string{"succeeded 1-5"}, "installed"},
		{"clocks that disagree give no negative duration", []string{"5 component-log of=x msg=a", "5 - c=x state=installing", "5 - c=x state=installed"},
			flow.Succeeded, []string{"succeeded 5-5"}, "installed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := play(t, tt.events...)
			h.is("install-x", tt.status, tt.attempts...)
			if got := h.job("install-x").State; got != tt.state {
				t.Errorf("state %s, want %s", got, tt.state)
			}
		})
	}
}

func TestComponentLogLines(t *testing.T) {
	t.Parallel()
	h := play(t, "0 component-log of=x msg=a")
	h.is("install-x", flow.Pending, "running 0-") // a line about a release is not its installation
	h = play(t, "0 component-log of=x msg=a", "1 - c=x state=installing", "2 component-log of=x msg=b",
		"3 - c=x state=installed", "50 component-log of=x msg=c", "64 component-log of=x msg=d")
	h.is("install-x", flow.Succeeded, "succeeded 0-3")
	if got := h.lines("install-x:1"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("lines %v: a minute after the end they stop", got)
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	deps := func(h history, name string) []string { return h.graph.Dependencies("d1:" + name) }
	t.Run("absent is not empty", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 - c=x state=pending deps=y,bp-z", "1 - c=x state=installing")
		if got := deps(h, "install-x"); !slices.Equal(got, []string{"d1:install-y", "d1:install-z"}) {
			t.Errorf("%v", got)
		}
		h = play(t, "0 - c=x state=pending deps=y", "1 - c=x state=installing deps=-")
		if got := deps(h, "install-x"); len(got) != 0 {
			t.Errorf("not cleared: %v", got)
		}
	})
	t.Run("an edge that would close a cycle is refused and the job kept", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 - c=a state=pending deps=b", "1 - c=b state=pending deps=c", "2 - c=c state=pending deps=a,c")
		if got := deps(h, "install-c"); len(got) != 0 {
			t.Errorf("%v", got)
		}
		var causes []string
		for _, tr := range h.Transitions {
			if strings.Contains(tr.Cause, "refused") {
				causes = append(causes, tr.Cause)
			}
		}
		want := []string{
			"dependency on d1:install-a refused: it would close a cycle",
			"dependency on d1:install-c refused: a job cannot wait for itself",
		}
		if !slices.Equal(causes, want) {
			t.Errorf("causes %q", causes)
		}
	})
	t.Run("what was said earlier does not come back", func(t *testing.T) {
		t.Parallel()
		h := play(t, "1 - c=x state=pending deps=y", "10 - c=x state=pending deps=y", "5 - c=x state=pending deps=z")
		if got := deps(h, "install-x"); !slices.Equal(got, []string{"d1:install-y"}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("a dependency not seen yet is kept and shown once it is", func(t *testing.T) {
		t.Parallel()
		h := play(t, "0 - c=x state=pending deps=y")
		if got := h.job("install-x").WaitingOn; got != nil {
			t.Errorf("waits on what is not there: %v", got)
		}
		h = play(t, "0 - c=x state=pending deps=y", "1 - c=y state=pending")
		if got := h.job("install-x").WaitingOn; !slices.Equal(got, []string{"d1:install-y"}) {
			t.Errorf("%v", got)
		}
	})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	h := playOn(t, flow.Deployment{Provider: "hetzner", Regions: []string{"fsn1", "hel1"}},
		"0 - c=x state=installing region=hel1", "1 tofu-init", "2 - c=x state=installing region=fsn1")
	if got := h.job("provisioner").DisplayName; got != "Provision Hetzner" {
		t.Errorf("label %q", got)
	}
	if got := h.graph.Dependencies("d1:bootstrap-kit"); !slices.Equal(got, []string{"d1:provisioner"}) {
		t.Errorf("the groups' order: %v", got)
	}
	h.is("install-hel1:x", flow.Running, "running 0-")
	h.is("install-x", flow.Running, "running 2-")
	if j := h.job("hel1:bootstrap-kit"); j.Status != flow.Running || j.Type != flow.TypeGroup || j.Region != "hel1" {
		t.Errorf("%+v", j)
	}
	if got := h.job("install-x").Region; got != "" {
		t.Errorf("the primary region's jobs are the bare ones: %q", got)
	}
	f := h.graph.Flow()
	if f.Status != flow.Running || !f.StartedAt.Equal(noon) {
		t.Errorf("flow %+v", f)
	}
}

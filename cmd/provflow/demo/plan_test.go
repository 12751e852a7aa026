package demo

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

func planned(t *testing.T) plan {
	t.Helper()
	p, err := newPlan(loaded(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestThePlanTakesHalfAnHourAtMost(t *testing.T) {
	t.Parallel()
	if d := planned(t).length(); d < 25*time.Minute || d > 30*time.Minute {
		t.Errorf("the plan takes %s, want 25 to 30 minutes", d)
	}
}

func TestThePlanIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	if !reflect.DeepEqual(planned(t), planned(t)) {
		t.Error("two plans of one kit differ")
	}
}

func TestThePlanGoesForward(t *testing.T) {
	t.Parallel()
	p := planned(t)
	for i := 1; i < len(p); i++ {
		if p[i].at <= p[i-1].at || len(p[i].events) == 0 {
			t.Errorf("moment %d is at %s, after %s, with %d events", i, p[i].at, p[i-1].at, len(p[i].events))
		}
	}
}

func TestAllComponentsAreAnnouncedAtOnce(t *testing.T) {
	t.Parallel()
	for _, m := range planned(t) {
		if m.events[0].Phase != phaseComponent {
			continue
		}
		if len(m.events) != 35 {
			t.Fatalf("%d components are announced first, want 35", len(m.events))
		}
		for _, e := range m.events {
			if e.State != pending || e.DependsOn == nil || e.ChartVersion == "" {
				t.Errorf("%+v: want pending, with dependencies and version", e)
			}
		}
		return
	}
	t.Fatal("no component is announced")
}

// A server that applies the plan ends with everything installed, and takes nothing in
// it for late, repeated or refused.
func TestTheRulesAcceptThePlan(t *testing.T) {
	t.Parallel()
	p := planned(t)
	graph, transitions := applied(t, p)
	said := fmt.Sprint(p) // a rule that passes over an event gives a cause of its own
	for _, tr := range transitions {
		if tr.From == tr.To && !strings.Contains(said, tr.Cause) {
			t.Errorf("%s: the rules made nothing of it: %+v", tr.JobID, tr)
		}
	}
	if f := graph.Flow(); f.Status != flow.Succeeded || f.FailedJobs != 0 || len(graph.JobsOf(flow.SourceBridge)) != 2+5+35 {
		t.Errorf("the flow ends as %+v with %d jobs", f, len(graph.JobsOf(flow.SourceBridge)))
	}
	names := flow.Names{Deployment: "d"}
	for _, c := range loaded(t) {
		j, _ := graph.Job(names.Job("install-" + c.Name))
		want := 1
		if c.Name == failing {
			want = 2
		}
		if j.Status != flow.Succeeded || j.State != installed || j.ChartVersion != c.Version || j.Attempt != want {
			t.Errorf("%s ends as %+v, want installed at attempt %d", c.Name, j, want)
		}
		if got := graph.Dependencies(j.ID); len(got) != len(c.DependsOn) {
			t.Errorf("%s depends on %v, want %v", c.Name, got, c.DependsOn)
		}
	}
}

// applied plays a plan against the rules alone.
func applied(t *testing.T, p plan) (*flow.Graph, []flow.Transition) {
	t.Helper()
	began := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	graph := flow.NewGraph("d")
	var history []flow.Transition
	for _, m := range p {
		ledger := bridge.NewLedger(graph, flow.Deployment{ID: "d"}, began)
		for _, e := range m.events {
			parsed(t, e, began.Add(m.at)).Apply(ledger)
		}
		history = append(history, ledger.Changes().Transitions...)
		checkStarted(t, graph, m)
	}
	return graph, history
}

// checkStarted: whoever begins has nothing left to wait for.
func checkStarted(t *testing.T, graph *flow.Graph, m moment) {
	t.Helper()
	for _, e := range m.events {
		if e.State != installing {
			continue
		}
		j, _ := graph.Job(flow.Names{Deployment: "d"}.Resolve("", e.Component))
		for _, d := range graph.Dependencies(j.ID) {
			if on, _ := graph.Job(d); on.Status != flow.Succeeded {
				t.Errorf("at %s %s begins while %s is %s", m.at, j.ID, d, on.Status)
			}
		}
	}
}

func parsed(t *testing.T, e event, at time.Time) bridge.Event {
	t.Helper()
	e.Time = at.Format(time.RFC3339Nano)
	line, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := bridge.ParseEvent(line, at)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return got
}

func TestAbsentDependenciesStayAbsentOnTheWire(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]event{
		"absent": {Phase: phaseComponent},
		"empty":  {Phase: phaseComponent, DependsOn: []string{}},
	} {
		line, _ := json.Marshal(e)
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		deps, has := got["dependsOn"]
		if has != (want == "empty") || has && fmt.Sprint(deps) != "[]" {
			t.Errorf("%s: %s", want, line)
		}
	}
}

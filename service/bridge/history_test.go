package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// history is all that a sequence of events left behind.
type history struct {
	t     *testing.T
	graph *flow.Graph
	flow.Changes
}

// play applies events to an empty flow. Each is written `second phase key=value …`, where
// keys are those of the wire; `deps=` names dependencies with commas, `deps=-` says "none".
func play(t *testing.T, events ...string) history {
	t.Helper()
	return playOn(t, flow.Deployment{}, events...)
}

func playOn(t *testing.T, d flow.Deployment, events ...string) history {
	t.Helper()
	h := history{t: t, graph: flow.NewGraph("d1")}
	for _, e := range events {
		ledger := bridge.NewLedger(h.graph, d, noon)
		parse(t, e).Apply(ledger)
		c := ledger.Changes()
		h.Executions = append(h.Executions, c.Executions...)
		h.Transitions = append(h.Transitions, c.Transitions...)
		h.Lines = append(h.Lines, c.Lines...)
	}
	return h
}

func parse(t *testing.T, s string) bridge.Event {
	t.Helper()
	words := strings.Fields(s)
	var second float64
	if _, err := fmt.Sscan(words[0], &second); err != nil {
		t.Fatal(err)
	}
	e := bridge.Event{Time: noon.Add(time.Duration(second * float64(time.Second))), Phase: words[1], Level: "info"}
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "c":
			e.Phase, e.Component = "component", value
		case "r":
			e.Phase, e.Step, e.Component = "tofu-resource", "tofu-apply", value
		case "step":
			e.Step = value
		case "act":
			e.Action = value
		case "of":
			e.Component = value
		case "state":
			e.State = value
		case "level":
			e.Level = value
		case "msg":
			e.Message = value
		case "region":
			e.Region = value
		case "v":
			e.ChartVersion = value
		case "deps":
			e.DependsOn = []string{}
			if value != "-" {
				e.DependsOn = strings.Split(value, ",")
			}
		default:
			parseFiner(t, &e, key, value)
		}
	}
	return e
}

func (h history) job(name string) flow.Job {
	h.t.Helper()
	j, ok := h.graph.Job("d1:" + name)
	if !ok {
		h.t.Fatalf("there is no job %s", name)
	}
	return j
}

// attempts gives the last word on each execution of a job: `running 5-` or `failed 5-9`.
func (h history) attempts(name string) []string {
	last := map[int]string{}
	n := 0
	for _, x := range h.Executions {
		if x.JobID == "d1:"+name {
			last[x.Attempt] = fmt.Sprintf("%s %s", x.Status, span(x.StartedAt, x.FinishedAt))
			n = max(n, x.Attempt)
		}
	}
	var all []string
	for i := 1; i <= n; i++ {
		all = append(all, last[i])
	}
	return all
}

func span(from, to time.Time) string {
	s := fmt.Sprintf("%g-", from.Sub(noon).Seconds())
	if !to.IsZero() {
		s += fmt.Sprintf("%g", to.Sub(noon).Seconds())
	}
	return s
}

func (h history) lines(executionID string) (messages []string) {
	for _, l := range h.Lines {
		if l.ExecutionID == "d1:"+executionID {
			messages = append(messages, l.Message)
		}
	}
	return messages
}

func (h history) is(name string, status flow.Status, attempts ...string) {
	h.t.Helper()
	if j := h.job(name); j.Status != status {
		h.t.Errorf("%s is %s, want %s", name, j.Status, status)
	}
	if got := h.attempts(name); !slices.Equal(got, attempts) {
		h.t.Errorf("%s has attempts %v, want %v", name, got, attempts)
	}
}

package db_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/flow"
)

// generated is a flow as a source might have left it: with retries, ties, clocks that
// differ, groups in groups, and jobs of emitters that have no executions.
type generated struct {
	id    string
	jobs  []flow.Job
	rels  []flow.Relationship
	runs  []flow.Execution
	facts []flow.Transition
	clock time.Time
}

// minute draws a moment: whole minutes, so that some are the same.
func minute(t *rapid.T, label string, most int) time.Time {
	return noon.Add(time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Minute)
}

func drawFlow(t *rapid.T, id string) generated {
	g := generated{id: id, clock: minute(t, "clock", 40)}
	names := rapid.IntRange(0, 7).Draw(t, "jobs")
	for i := range names {
		g.drawJob(t, fmt.Sprintf("j%d", i))
	}
	groups := rapid.IntRange(0, 3).Draw(t, "groups")
	for i := range groups {
		name := []string{"provisioner", "bootstrap-kit", "day-2-mutations"}[i]
		j := flow.Job{ID: id + ":" + name, Name: name, Type: flow.TypeGroup, Source: flow.SourceBridge, Status: flow.Pending}
		if rapid.IntRange(0, 3).Draw(t, "runs itself") == 0 {
			own := g.attempts(t, flow.Job{ID: j.ID, Source: flow.SourceBridge, Status: flow.Pending})
			j.Run = flow.Run{Status: own.Status, StartedAt: own.StartedAt, FinishedAt: own.FinishedAt}
		}
		g.jobs = append(g.jobs, j)
	}
	g.drawEdges(t, names)
	return g
}

func (g *generated) drawJob(t *rapid.T, name string) {
	j := flow.Job{
		ID: g.id + ":" + name, Name: name, Type: flow.TypeInstall, Status: flow.Pending,
		Source: rapid.SampledFrom([]string{flow.SourceBridge, flow.SourceBridge, "emitter"}).Draw(t, "source"),
		Region: rapid.SampledFrom([]string{"", "hel1", "fsn1"}).Draw(t, "region"),
	}
	if rapid.Bool().Draw(t, "heard of") {
		g.facts = append(g.facts, flow.Transition{JobID: j.ID, From: flow.Pending, To: flow.Pending, OccurredAt: minute(t, "known", 20)})
	}
	g.jobs = append(g.jobs, g.attempts(t, j))
}

// attempts gives a job its runs: each but the last has ended.
func (g *generated) attempts(t *rapid.T, j flow.Job) flow.Job {
	n := rapid.IntRange(0, 3).Draw(t, "attempts")
	at := minute(t, "begins", 20)
	for a := 1; a <= n; a++ {
		x := flow.Execution{ID: flow.ExecutionID(j.ID, a), JobID: j.ID, Attempt: a, StartedAt: at}
		x.Status = rapid.SampledFrom([]flow.Status{flow.Succeeded, flow.Failed, flow.Failed}).Draw(t, "ends")
		if a == n && rapid.IntRange(0, 4).Draw(t, "goes on") == 0 {
			x.Status = flow.Running
		} else {
			least := 0 // of an execution: the store has none that ends before it began
			if j.Source != flow.SourceBridge {
				least = -3
			}
			x.FinishedAt = at.Add(time.Duration(rapid.IntRange(least, 10).Draw(t, "takes")) * time.Minute)
		}
		if j.StartedAt.IsZero() || j.Status == flow.Succeeded {
			j.StartedAt = x.StartedAt
		}
		j.Status, j.FinishedAt, j.Attempt, j.ExecutionID = x.Status, x.FinishedAt, a, x.ID
		if j.Source == flow.SourceBridge {
			g.runs = append(g.runs, x)
		}
		at = x.FinishedAt.Add(time.Duration(rapid.IntRange(-2, 3).Draw(t, "pause")) * time.Minute)
	}
	if j.Source != flow.SourceBridge && n > 0 && rapid.IntRange(0, 3).Draw(t, "vague") == 0 {
		j.StartedAt = time.Time{} // an emitter need not say
	}
	return j
}

// drawEdges lets jobs come after earlier ones and groups after groups, and puts jobs and
// groups into later groups: no kind of edge closes a cycle, both together may.
func (g *generated) drawEdges(t *rapid.T, names int) {
	for i, from := range g.jobs {
		for k, to := range g.jobs {
			both := rapid.IntRange(0, 9).Draw(t, "edge")
			if i < k && both < 3 {
				r := edge(from.ID, to.ID, flow.FinishToStart)
				r.Condition = rapid.SampledFrom([]string{"", "on-success", "always", "on-failure"}).Draw(t, "condition")
				g.rels = append(g.rels, r)
			}
			if i < k && k >= names && both > 6 {
				g.rels = append(g.rels, edge(from.ID, to.ID, flow.Contains))
			}
		}
	}
}

// store writes the flow as the recorder would.
func (g *generated) store(t testing.TB, s *db.Store) {
	t.Helper()
	graph := flow.NewGraph(g.id)
	_, err := s.Record(t.Context(), flow.Write{FlowID: g.id, Decide: func(state flow.State, _ []bool) flow.Changes {
		graph.Load(state)
		for _, j := range g.jobs {
			graph.PutJob(j)
		}
		for _, r := range g.rels {
			graph.Relate(r)
		}
		c := graph.Settle()
		c.Executions, c.Transitions = g.runs, g.facts
		return c
	}})
	if err != nil {
		t.Fatal(err)
	}
}

package flow_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/flow"
)

var start = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

func TestGroupStatus(t *testing.T) {
	t.Parallel()
	const p, r, s, f = flow.Pending, flow.Running, flow.Succeeded, flow.Failed
	tests := []struct {
		leaves      []flow.Status
		group, flow flow.Status
	}{
		{nil, p, p},
		{[]flow.Status{p, p}, p, p},
		{[]flow.Status{p, r}, r, r},
		{[]flow.Status{p, s}, r, r},
		{[]flow.Status{s, s}, s, s},
		{[]flow.Status{f, p}, f, r},
		{[]flow.Status{f, r}, f, r},
		{[]flow.Status{f, s}, f, f},
	}
	for _, tt := range tests {
		var tally flow.Tally
		for _, s := range tt.leaves {
			tally.Add(s, time.Time{}, time.Time{})
		}
		if tally.Group() != tt.group || tally.Flow() != tt.flow {
			t.Errorf("%v: group %s flow %s, want %s and %s", tt.leaves, tally.Group(), tally.Flow(), tt.group, tt.flow)
		}
	}
}

// Everything derived is right after every step, and every row whose value changed is
// among the changes: a client that applies them holds what the graph holds.
func TestSettleDerivesEverythingAndReportsEveryChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := flow.NewGraph("f")
		m := model{jobs: map[string]flow.Job{}, rels: map[flow.RelationshipKey]flow.Relationship{}}
		client := map[string]flow.Job{}
		edges := map[flow.RelationshipKey]bool{}
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			for range rapid.IntRange(1, 4).Draw(t, "writes") {
				write(t, g, m, i)
			}
			c := g.Settle()
			for _, id := range c.RemovedJobs { // they go first
				delete(client, id)
			}
			for _, j := range c.Jobs {
				client[j.ID] = j
			}
			for _, k := range c.RemovedRelationships {
				delete(edges, k)
			}
			for _, r := range c.Relationships {
				edges[r.RelationshipKey] = r.Visible
			}
			compare(t, m, client, edges)
			m.compareFlow(t, g.Flow())
		}
	})
}

func write(t *rapid.T, g *flow.Graph, m model, step int) {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d", "g1", "g2", "g3"}).Draw(t, "job")
	switch rapid.IntRange(0, 9).Draw(t, "write") {
	case 0:
		g.RemoveJob(id)
		delete(m.jobs, id)
	case 1, 2, 3, 4:
		j := flow.Job{ID: id, Name: id, Type: flow.TypeInstall, Source: flow.SourceBridge, Status: flow.Pending}
		if id[0] != 'g' {
			j = advance(t, j, step)
		} else if j.Type = flow.TypeGroup; true {
			if old, ok := g.Job(id); ok {
				j = old // what is rolled up is not the writer's
			}
			j.Run = rapid.SampledFrom([]flow.Run{{}, runOf(advance(t, flow.Job{}, step))}).Draw(t, "run")
		}
		g.PutJob(j)
		m.jobs[id] = j
	default:
		writeEdge(t, g, m)
	}
}

func advance(t *rapid.T, j flow.Job, step int) flow.Job {
	j.Status = rapid.SampledFrom([]flow.Status{flow.Pending, flow.Running, flow.Succeeded, flow.Failed}).Draw(t, "status")
	if j.Status != flow.Pending {
		j.StartedAt = start.Add(time.Duration(step) * time.Second)
	}
	if j.Status.Terminal() {
		j.FinishedAt = j.StartedAt.Add(time.Minute)
	}
	j.State = rapid.SampledFrom([]string{"", flow.StateCancelled}).Draw(t, "state")
	return j
}

func runOf(j flow.Job) flow.Run {
	return flow.Run{Status: j.Status, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt}
}

func writeEdge(t *rapid.T, g *flow.Graph, m model) {
	// Edges go up the alphabet only, so that neither kind closes a cycle.
	ids := []string{"a", "b", "c", "d", "g1", "g2", "g3"}
	from := rapid.IntRange(0, len(ids)-2).Draw(t, "from")
	to := rapid.IntRange(from+1, len(ids)-1).Draw(t, "to")
	k := flow.RelationshipKey{FromID: ids[from], ToID: ids[to], Type: flow.FinishToStart}
	if ids[to][0] == 'g' && rapid.Bool().Draw(t, "contains") {
		k.Type = flow.Contains
	}
	if rapid.IntRange(0, 4).Draw(t, "remove") == 0 {
		g.Unrelate(k)
		delete(m.rels, k)
		return
	}
	r := flow.Relationship{RelationshipKey: k, Source: flow.SourceBridge}
	g.Relate(r)
	m.rels[k] = r
}

func compare(t *rapid.T, m model, client map[string]flow.Job, edges map[flow.RelationshipKey]bool) {
	if len(client) != len(m.jobs) {
		t.Fatalf("client has %d jobs, model %d", len(client), len(m.jobs))
	}
	for id := range m.jobs {
		got := client[id]
		if got.Status != m.status(id) {
			t.Fatalf("%s is %s, want %s", id, got.Status, m.status(id))
		}
		if !slices.Equal(got.WaitingOn, m.waiting(id)) {
			t.Fatalf("%s waits on %v, want %v", id, got.WaitingOn, m.waiting(id))
		}
		if m.jobs[id].Type == flow.TypeGroup {
			tally := m.tally(m.leaves(id, map[string]bool{}))
			if !got.StartedAt.Equal(tally.FirstStart) || !got.FinishedAt.Equal(tally.Finish()) {
				t.Fatalf("%s spans %v to %v, want %v to %v", id, got.StartedAt, got.FinishedAt, tally.FirstStart, tally.Finish())
			}
		}
	}
	for k := range m.rels {
		if edges[k] != m.visible(k) {
			t.Fatalf("%v visible %v, want %v", k, edges[k], m.visible(k))
		}
	}
}

// compareFlow holds the flow's own row to all that counts.
func (m model) compareFlow(t *rapid.T, got flow.Flow) {
	var ids []string
	for id, j := range m.jobs {
		if j.Type != flow.TypeGroup || j.Run.Status != "" {
			ids = append(ids, id)
		}
	}
	tally := m.tally(ids)
	if got.Status != tally.Flow() || got.FailedJobs != tally.Failed || !got.StartedAt.Equal(tally.FirstStart) || !got.EndedAt.Equal(tally.Finish()) {
		t.Fatalf("the flow is %+v, its leaves are %+v", got, tally)
	}
}

func TestWritingWhatIsThereChangesNothing(t *testing.T) {
	t.Parallel()
	g := kit(20)
	for _, j := range g.Settle().Jobs {
		g.PutJob(j)
	}
	if c := g.Settle(); !c.Empty() {
		t.Errorf("the same state again gave changes: %+v", c)
	}
}

func TestChangesComeInOrderOfAppearance(t *testing.T) {
	t.Parallel()
	first, second := kit(50).Settle(), kit(50).Settle()
	if !reflect.DeepEqual(first.Jobs, second.Jobs) || !reflect.DeepEqual(first.Relationships, second.Relationships) {
		t.Error("the same writes gave another order")
	}
	for i, j := range first.Jobs[1:] {
		if j.Position <= first.Jobs[i].Position {
			t.Fatalf("%s comes after %s", j.ID, first.Jobs[i].ID)
		}
	}
}

// kit is a group of n jobs, each after the one before it.
func kit(n int) *flow.Graph {
	g := flow.NewGraph("f")
	g.PutJob(flow.Job{ID: "group", Name: "group", Type: flow.TypeGroup, Source: flow.SourceBridge, Status: flow.Pending})
	for i := range n {
		id := fmt.Sprintf("job-%03d", i)
		g.PutJob(flow.Job{ID: id, Name: id, Type: flow.TypeInstall, Source: flow.SourceBridge, Status: flow.Pending})
		g.Relate(flow.Relationship{RelationshipKey: flow.RelationshipKey{FromID: id, ToID: "group", Type: flow.Contains}})
		if i > 0 {
			g.Relate(flow.Relationship{RelationshipKey: flow.RelationshipKey{
				FromID: fmt.Sprintf("job-%03d", i-1), ToID: id, Type: flow.FinishToStart}})
		}
	}
	return g
}

func TestReachesIsFastThroughManyPaths(t *testing.T) {
	t.Parallel()
	g := flow.NewGraph("f")
	relate := func(from, to string) {
		g.Relate(flow.Relationship{RelationshipKey: flow.RelationshipKey{FromID: from, ToID: to, Type: flow.FinishToStart}})
	}
	const diamonds = 44 // 2^44 paths from the first to the last
	for i := range diamonds {
		for _, side := range []string{"l", "r"} {
			relate(fmt.Sprint("n", i), fmt.Sprint(side, i))
			relate(fmt.Sprint(side, i), fmt.Sprint("n", i+1))
		}
	}
	if !g.Reaches("n0", fmt.Sprint("n", diamonds), flow.FinishToStart) || g.Reaches("n1", "n0", flow.FinishToStart) {
		t.Error("reachability is wrong")
	}
}

func TestAChangedEdgeIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	g := flow.NewGraph("f")
	for id, s := range map[string]flow.Status{"a": flow.Failed, "b": flow.Pending} {
		g.PutJob(flow.Job{ID: id, Name: id, Type: flow.TypeInstall, Source: "x", Status: s})
	}
	e := flow.Relationship{RelationshipKey: flow.RelationshipKey{FromID: "a", ToID: "b", Type: flow.FinishToStart}}
	g.Relate(e)
	g.Settle()
	if b, _ := g.Job("b"); !slices.Equal(b.WaitingOn, []string{"a"}) {
		t.Errorf("b waits on %v", b.WaitingOn)
	}
	e.Condition = "always"
	g.Relate(e)
	g.Settle()
	if b, _ := g.Job("b"); b.WaitingOn != nil {
		t.Errorf("b waits on %v", b.WaitingOn)
	}
}

package db_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// moment is what clients saw at a time.
type moment struct {
	at   time.Time
	flow flow.Status
	jobs map[string]flow.Status
}

func momentOf(at time.Time, f flow.Flow, jobs []flow.Job) moment {
	m := moment{at, f.Status, map[string]flow.Status{}}
	for _, j := range jobs {
		m.jobs[j.ID] = j.Status
	}
	return m
}

// like reports that two say the same, but for groups where a job was ever taken out: who was
// in them, and from when on there was anything, is not known then.
func (m moment) like(said moment, lost bool, now []flow.Job) bool {
	for _, j := range now {
		if lost && j.Type == flow.TypeGroup {
			delete(m.jobs, j.ID)
			delete(said.jobs, j.ID)
		}
	}
	for _, j := range now { // nor is it known that a group was there which everything had left
		if _, told := said.jobs[j.ID]; !told && j.Type == flow.TypeGroup && m.jobs[j.ID] == flow.Pending {
			delete(m.jobs, j.ID)
		}
	}
	return m.flow == said.flow && maps.Equal(m.jobs, said.jobs)
}

// lost reports whether something was there at one moment and no longer at the next.
func lost(seen []moment) bool {
	for i := range len(seen) - 1 {
		for id := range seen[i].jobs {
			if _, is := seen[i+1].jobs[id]; !is {
				return true
			}
		}
	}
	return false
}

// history plays observations one after another, a second apart, and remembers what clients
// saw after each.
type history struct {
	t     testing.TB
	store *db.Store
	id    string
	graph *flow.Graph
	now   *time.Time
	seen  []moment
}

func (h *history) apply(o bridge.Observation) {
	h.t.Helper()
	*h.now = h.now.Add(time.Second)
	at, err := h.store.Record(h.t.Context(), flow.Write{FlowID: h.id, Known: h.graph.Cursor(), Decide: func(s flow.State, _ []bool) flow.Changes {
		h.graph.Load(s)
		l := bridge.NewLedger(h.graph, flow.Deployment{ID: h.id, Regions: []string{"hel1", "fsn1"}}, s.Now)
		o.Apply(l)
		return l.Changes()
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.graph.Stored(at)
	d := read(h.t, h.store, h.id, flow.NoCursor)
	h.seen = append(h.seen, momentOf(*h.now, *d.Flow, d.Jobs))
}

// drawObservation draws what happens at that second.
func drawObservation(t *rapid.T, id string, now time.Time) bridge.Observation {
	if rapid.IntRange(0, 3).Draw(t, "who") > 0 {
		return drawEvent(t, now)
	}
	node := rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node")
	body := fmt.Sprintf(`{"type":"upsert-nodes","nodes":[{"id":%q,"label":"x","status":%q,"startedAt":%d}]}`,
		node, rapid.SampledFrom([]string{"pending", "running", "succeeded", "failed"}).Draw(t, "said"), now.UnixMilli())
	switch rapid.IntRange(0, 5).Draw(t, "message") {
	case 0:
		body = fmt.Sprintf(`{"type":"delete-nodes","ids":[%q]}`, node)
	case 1:
		body = fmt.Sprintf(`{"type":"upsert-rels","relationships":[{"fromId":"n1","toId":%q,"type":"finish-to-start"}]}`, id+":install-a")
	}
	m, err := bridge.ParseMessage([]byte(body), id, "emitter")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func drawEvent(t *rapid.T, now time.Time) bridge.Observation {
	line := fmt.Sprintf(`{"time":%q,"phase":"component","component":%q,"state":%q,"region":%q}`, now.Format(time.RFC3339Nano),
		rapid.SampledFrom([]string{"a", "b"}).Draw(t, "component"),
		rapid.SampledFrom([]string{"pending", "installing", "installed", "degraded", "failed", "deleted"}).Draw(t, "state"),
		rapid.SampledFrom([]string{"", "fsn1"}).Draw(t, "region"))
	switch rapid.IntRange(0, 5).Draw(t, "event") {
	case 0, 1:
		line = fmt.Sprintf(`{"time":%q,"phase":%q,"state":%q}`, now.Format(time.RFC3339Nano),
			rapid.SampledFrom([]string{"tofu-init", "tofu-plan", "tofu-apply", "cluster-bootstrap"}).Draw(t, "phase"),
			rapid.SampledFrom([]string{"", "", "failed", "succeeded"}).Draw(t, "ends"))
	case 2:
		line = fmt.Sprintf(`{"time":%q,"phase":"tofu-resource","component":%q,"state":%q}`, now.Format(time.RFC3339Nano),
			rapid.SampledFrom([]string{"x.a", "x.b"}).Draw(t, "resource"),
			rapid.SampledFrom([]string{"planned", "running", "succeeded", "failed"}).Draw(t, "becomes"))
	}
	e, err := bridge.ParseEvent([]byte(line), now)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// learnedLater reports whether something that had happened by then was recorded only
// afterwards, such as the end of a step that a later one implies: the past is told with it.
func learnedLater(t *testing.T, conn *pgx.Conn, id string, at time.Time) (later bool) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `
		SELECT EXISTS (SELECT 1 FROM analytics.transitions WHERE flow_id = $1 AND effective AND happened_at <= $2 AND recorded_at > $2)`, id, at).Scan(&later)
	if err != nil {
		t.Fatal(err)
	}
	return later
}

// What a flow was at any moment is what clients saw then, unless more was learned of that moment
// later, and what it is now what they see.
func TestThePastIsWhatClientsSaw(t *testing.T) {
	t.Parallel()
	now := noon
	store, dsn := setupAt(t, &now)
	conn := connect(t, dsn)
	n, compared, passed := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		now = noon
		h := history{t: t, store: store, id: fmt.Sprintf("d%d", n), now: &now}
		h.graph = flow.NewGraph(h.id)
		for range rapid.IntRange(1, 8).Draw(rt, "events") {
			h.apply(drawObservation(rt, h.id, now.Add(time.Second)))
		}
		last := read(t, store, h.id, flow.NoCursor).Jobs
		for _, m := range h.seen {
			got, err := store.At(t.Context(), h.id, m.at)
			if err != nil {
				t.Fatal(err)
			}
			if learnedLater(t, conn, h.id, m.at) {
				passed++
				continue
			}
			compared++
			said := momentOf(m.at, got.Flow, got.Jobs)
			if !m.like(said, lost(h.seen), last) {
				rt.Fatalf("%v ago, of %v\nseen %v\nsaid %v", now.Sub(m.at), now.Sub(noon), m, said)
			}
		}
		compareNow(t, rt, store, h.id, now)
	})
	if passed > compared/10 {
		t.Errorf("%d moments were passed over and only %d compared", passed, compared)
	}
}

// compareNow holds the present state to the snapshot, times and all.
func compareNow(t *testing.T, rt *rapid.T, store *db.Store, id string, now time.Time) {
	got, err := store.At(t.Context(), id, now)
	if err != nil {
		t.Fatal(err)
	}
	want := read(t, store, id, flow.NoCursor)
	byID := func(a, b flow.Job) int { return int(a.Position - b.Position) }
	slices.SortFunc(want.Jobs, byID)
	slices.SortFunc(got.Jobs, byID)
	if fmt.Sprintf("%+v", got.Jobs) != fmt.Sprintf("%+v", want.Jobs) || fmt.Sprintf("%+v", got.Flow) != fmt.Sprintf("%+v", *want.Flow) {
		rt.Fatalf("now it is\n%+v\n%+v\nand is said to be\n%+v\n%+v", *want.Flow, want.Jobs, got.Flow, got.Jobs)
	}
}

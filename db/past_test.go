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

// moment is what clients saw at a time: by the id of a job, or "" for the flow, its status,
// the groups a job is in, and what counts in them.
type moment struct {
	at     time.Time
	status map[string]flow.Status
	groups map[string][]string
	leaves map[string]bool
}

func momentOf(at time.Time, f flow.Flow, jobs []flow.Job, rels []flow.Relationship) moment {
	m := moment{at, map[string]flow.Status{"": f.Status}, map[string][]string{}, map[string]bool{}}
	for _, j := range jobs {
		m.status[j.ID] = j.Status
		_, m.leaves[j.ID] = j.Own()
	}
	for _, r := range rels {
		if r.Type == flow.Contains {
			m.groups[r.FromID] = append(m.groups[r.FromID], r.ToID)
		}
	}
	return m
}

// within gives a job and the groups it is in, directly or through others.
func (m moment) within(id string) []string {
	all := []string{id}
	for i := 0; i < len(all); i++ {
		all = append(all, m.groups[all[i]]...)
	}
	return all
}

// holding gives the groups in which something counts of which that is true.
func (m moment) holding(is func(id string) bool) map[string]bool {
	groups := map[string]bool{}
	for id := range m.groups {
		if m.leaves[id] && is(id) {
			for _, g := range m.within(id)[1:] {
				groups[g] = true
			}
		}
	}
	return groups
}

// differs tells whether what is said of a moment is not what was seen, but for what is left out.
func (m moment) differs(said moment, left map[string]bool) bool {
	out := func(id string, _ flow.Status) bool { return left[id] }
	seen, told := maps.Clone(m.status), maps.Clone(said.status)
	maps.DeleteFunc(seen, out)
	maps.DeleteFunc(told, out)
	return !maps.Equal(seen, told)
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
	h.seen = append(h.seen, momentOf(*h.now, *d.Flow, d.Jobs, d.Relationships))
}

// unknown gives the groups of which it is not known what they were, since something in them was
// taken out at some time: those that hold that then, and those that hold nothing.
func (h *history) unknown(m moment) map[string]bool {
	unknown, held := m.holding(h.takenOut(m)), m.holding(func(string) bool { return true })
	for _, other := range h.seen {
		for g := range other.holding(h.takenOut(other)) {
			if !held[g] {
				unknown[g] = true
			}
		}
	}
	return unknown
}

// takenOut tells what is there at a moment and at some later one not.
func (h *history) takenOut(m moment) func(id string) bool {
	return func(id string) bool {
		return slices.ContainsFunc(h.seen, func(later moment) bool {
			_, is := later.status[id]
			return later.at.After(m.at) && !is
		})
	}
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

// leftOut gives what is not compared: groups that are unknown, and jobs of which something that had
// happened by then was recorded only afterwards, such as the end of a step that a later one
// implies, with all they are in. The past is told with it.
func (h *history) leftOut(conn *pgx.Conn, m moment) map[string]bool {
	h.t.Helper()
	rows, err := conn.Query(h.t.Context(), `
		SELECT DISTINCT job_id FROM analytics.transitions WHERE flow_id = $1 AND effective AND happened_at <= $2 AND recorded_at > $2`, h.id, m.at)
	if err != nil {
		h.t.Fatal(err)
	}
	late, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	left := h.unknown(m)
	for _, id := range late {
		left[""] = true
		for _, in := range m.within(id) {
			left[in] = true
		}
	}
	return left
}

// What each job, each group and the flow were at any moment is what clients saw then, but where more
// was learned of it later, which is seldom; and what they are now is what they see.
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
		for _, m := range h.seen {
			got, err := store.At(t.Context(), h.id, m.at)
			if err != nil {
				t.Fatal(err)
			}
			left := h.leftOut(conn, m)
			compared, passed = compared+len(m.status), passed+len(left)
			if said := momentOf(m.at, got.Flow, got.Jobs, nil); m.differs(said, left) {
				rt.Fatalf("%v ago, of %v, without %v\nseen %v\nsaid %v", now.Sub(m.at), now.Sub(noon), left, m.status, said.status)
			}
		}
		compareNow(t, rt, store, h.id, now)
	})
	if passed > compared/10 {
		t.Errorf("of %d states %d were left out", compared, passed)
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

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// emit sends a FlowMessage as that emitter and gives the version it is durable at.
func (r *replica) emit(flowID, source, message string, header ...string) int64 {
	r.t.Helper()
	a := r.do(http.MethodPost, "/v1/flows/"+flowID+"/events", message, append(header, "X-Flow-Source", source)...)
	var seq struct{ Seq int64 }
	if err := json.Unmarshal([]byte(a.body), &seq); err != nil || a.status != http.StatusOK {
		r.t.Fatalf("emitting: %d %s", a.status, a.body)
	}
	return seq.Seq
}

// node writes a FlowNode at noon; more are fields beside the id and the status.
func node(id, status string, more ...string) string {
	return fmt.Sprintf(`{"id":%q,"status":%q,"startedAt":%d%s}`, id, status, noon.UnixMilli(), strings.Join(more, ""))
}

func rel(from, to, typ string) string {
	return fmt.Sprintf(`{"fromId":%q,"toId":%q,"type":%q}`, from, to, typ)
}

func snapshotOf(flowID string, nodes, rels []string) string {
	return fmt.Sprintf(`{"type":"snapshot","flow":{"id":%q,"status":"running","startedAt":%d},"nodes":[%s],"relationships":[%s]}`,
		flowID, noon.UnixMilli(), strings.Join(nodes, ","), strings.Join(rels, ","))
}

func upsert(nodes ...string) string {
	return `{"type":"upsert-nodes","nodes":[` + strings.Join(nodes, ",") + `]}`
}

func upsertRels(rels ...string) string {
	return `{"type":"upsert-rels","relationships":[` + strings.Join(rels, ",") + `]}`
}

func TestAnEmittersFlowIsLiveLikeAnyOther(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	here, there := start(t, dsn), start(t, dsn)
	here.emit("team:a%2Fb", "flux", snapshotOf("team:a/b", []string{node("g", "running"), node("x", "running")}, []string{rel("x", "g", "contains")}))
	s := there.stream("team:a%2Fb", "")
	s.until(there, "team%3Aa%2Fb") // every spelling is the same id
	for _, m := range []string{
		upsert(node("y", "pending", `,"label":"Y","meta":{"b":1,"a":"x"}`)),
		upsertRels(rel("x", "y", "finish-to-start"), rel("y", "g", "contains"), rel("y", "not-there-yet", "triggers")),
		upsert(node("not-there-yet", "pending")),
		upsert(node("x", "succeeded", fmt.Sprintf(`,"endedAt":%d`, noon.UnixMilli()+5000))),
		`{"type":"delete-rels","pairs":[` + rel("x", "y", "finish-to-start") + `]}`,
		`{"type":"delete-nodes","ids":["y"]}`,
		fmt.Sprintf(`{"type":"upsert-flow","flow":{"id":"team:a/b","status":"succeeded","startedAt":%d,"endedAt":%d}}`, noon.UnixMilli(), noon.UnixMilli()+9000),
	} {
		here.emit("team%3Aa%2Fb", "flux", m)
		s.until(there, "team:a%2Fb")
	}
	if s.state.status("g") != "succeeded" || len(s.state.Nodes.ByID) != 3 || len(s.state.Edges.ByID) != 1 {
		t.Errorf("state %s", s.state)
	}
	if !strings.Contains(string(s.state.Flow), `"status":"succeeded"`) {
		t.Errorf("the flow keeps the status it was given: %s", s.state.Flow)
	}
}

func TestAPartialNodeTakesNothingAway(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.emit("f", "flux", upsert(node("x", "running", `,"label":"X","family":"install","region":"hel1","meta":{"a":1}`)))
	r.emit("f", "flux", fmt.Sprintf(`{"type":"upsert-nodes","nodes":[{"id":"x","flowId":"f","status":"succeeded","endedAt":%d}]}`, noon.UnixMilli()+1000))
	want := fmt.Sprintf(`{"id":"x","flowId":"f","label":"X","status":"succeeded","family":"install","region":"hel1","startedAt":%d,"endedAt":%d,"meta":{"a":1}}`,
		noon.UnixMilli(), noon.UnixMilli()+1000)
	if got := string(r.snapshot("f").Nodes.ByID["x"]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNobodyTakesAwayWhatIsAnothers(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", component(0, "cilium", "installing"))
	r.emit("d1", "flux", upsert(node("mine", "running"), node("theirs-too", "running")))
	r.emit("d1", "other", upsert(node("other", "running"), node("d1:install-cilium", "failed", `,"meta":{"note":"seen"}`)))
	r.emit("d1", "flux", snapshotOf("d1", []string{node("mine", "running")}, nil))
	r.emit("d1", "other", `{"type":"delete-nodes","ids":["d1:install-cilium"]}`)
	got := r.snapshot("d1")
	for id, status := range map[string]string{"mine": "running", "other": "running", "theirs-too": "", "d1:install-cilium": "running", "d1:bootstrap-kit": "running"} {
		if got.status(id) != status {
			t.Errorf("%s is %q, want %q", id, got.status(id), status)
		}
	}
	if !strings.Contains(string(got.Nodes.ByID["d1:install-cilium"]), `"note":"seen"`) {
		t.Errorf("an emitter may add to a bridge's node: %s", got.Nodes.ByID["d1:install-cilium"])
	}
	if !strings.Contains(string(got.Flow), `"status":"running"`) {
		t.Errorf("flow %s", got.Flow)
	}
}

// The bridge takes over a job that an emitter wrote first, whatever it said of it.
func TestTheBridgeTakesOverAnEmittersJob(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	for i, said := range []string{"pending", "running", "succeeded", "failed"} {
		id := fmt.Sprint("w", i)
		r.emit(id, "flux", upsert(node(id+":install-x", said), node(id+":tofu-init", said)))
		r.post(id, event(0, "tofu", "message", "a"), component(5, "x", "installing"), component(9, "x", "installed"))
		for _, job := range []string{":install-x", ":tofu-init"} {
			if got := r.snapshot(id).status(id + job); got != "succeeded" {
				t.Errorf("said %s: %s is %q", said, job, got)
			}
		}
	}
	r.do(http.MethodPost, "/api/v1/internal/jobs/import", `{"deploymentId":"w9","jobs":[{"jobName":"install-x","status":"running","startedAt":"2026-04-01T12:00:00Z"}]}`)
	r.post("w9", component(9, "x", "installed"))
	if got := r.snapshot("w9").status("w9:install-x"); got != "succeeded" {
		t.Errorf("imported running: %q", got)
	}
}

// What contains something shows what is in it only as long as there is something in it,
// and what the bridge installs shows how that went.
func TestAGroupIsOneOnlyWhileItContains(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.emit("f", "flux", upsert(node("g", "running"), node("x", "failed")))
	r.emit("f", "flux", upsertRels(rel("x", "g", "contains")))
	if got := r.snapshot("f").status("g"); got != "failed" {
		t.Errorf("with x in it g is %q", got)
	}
	r.emit("f", "flux", `{"type":"delete-nodes","ids":["x"]}`)
	r.emit("f", "flux", upsert(node("g", "succeeded")))
	if got := r.snapshot("f").status("g"); got != "succeeded" {
		t.Errorf("with nothing in it g is %q", got)
	}
	r.post("d1", component(0, "x", "installing"))
	r.emit("d1", "flux", upsert(node("sub", "failed")))
	r.emit("d1", "flux", upsertRels(rel("sub", "d1:install-x", "contains")))
	r.post("d1", component(5, "x", "installed"))
	if got := r.snapshot("d1").status("d1:install-x"); got != "succeeded" {
		t.Errorf("the bridge's install is %q", got)
	}
}

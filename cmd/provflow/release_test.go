package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// A release that is deleted goes from the live flow, for who watches and for who comes
// later. What it left can still be read, and when it is back its attempts count on, whoever
// writes.
func TestADeletedReleaseGoesAndItsLogStays(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	writer, reader := start(t, dsn), start(t, dsn)
	writer.post("d1", component(0, "cilium", "installed"), component(1, "gitea", "pending", "dependsOn", "cilium"),
		component(2, "gitea", "installing", "message", "on its way"))
	s := reader.stream("d1", "")
	s.until(reader, "d1")
	writer.post("d1", component(5, "gitea", "deleted"))
	s.until(reader, "d1")
	for name, b := range map[string]*browser{"who watches": s.state, "who comes later": reader.snapshot("d1")} {
		if _, there := b.Nodes.ByID["d1:install-gitea"]; there || strings.Contains(b.String(), "install-gitea") {
			t.Errorf("%s still sees it: %s", name, b)
		}
	}
	if a := reader.get("/api/v1/deployments/d1/jobs/gitea"); a.status != http.StatusNotFound {
		t.Errorf("its job: %d %s", a.status, a.body)
	}
	a := reader.get("/api/v1/actions/executions/d1:install-gitea:1/logs")
	if a.status != http.StatusOK || !strings.Contains(a.body, `"on its way"`) || !strings.Contains(a.body, `"executionFinished":true`) {
		t.Errorf("its log: %d %s", a.status, a.body)
	}
	// The reader's memory of the flow is older than the deletion.
	reader.post("d1", component(9, "gitea", "installing"))
	s.until(reader, "d1")
	if got := s.state.status("d1:install-gitea"); got != "running" {
		t.Errorf("it is back and %q", got)
	}
	a = reader.get("/api/v1/deployments/d1/jobs/gitea")
	for _, want := range []string{`"id":"d1:install-gitea:2"`, `"id":"d1:install-gitea:1"`, `"latestExecutionId":"d1:install-gitea:2"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %s in %s", want, a.body)
		}
	}
	if n := query[int64](t, dsn, `SELECT count(*) FROM executions WHERE job_id = 'd1:install-gitea'`); n != 2 {
		t.Errorf("%d executions", n)
	}
}

// What a watch says of the whole is a fact of the flow: told live, kept over a restart.
func TestTheFlowSaysSinceWhenItIsBlind(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1", "")
	s := r.stream("d1", "")
	s.until(r, "d1")
	r.post("d1", event(3, "watch", "state", "blind", "message", "connection refused"), event(9, "watch", "state", "blind", "message", "no route to host"),
		event(10, "watch", "state", "nothing-reconciles", "message", "is helm-controller running?", "region", "hel1"))
	s.until(r, "d1")
	r.stop()
	r = start(t, dsn)
	r.post("d1", event(12, "watch", "state", "ready", "region", "hel1"), event(4, "watch", "state", "watching"))
	for name, text := range map[string]json.RawMessage{"live": s.state.Flow, "later": r.snapshot("d1").Flow} {
		var f struct {
			Status string
			Meta   struct {
				Watch []struct {
					Region, State, Message, Outcome, OutcomeMessage string
					Since, OutcomeSince                             int64
				}
			}
		}
		if err := json.Unmarshal(text, &f); err != nil || len(f.Meta.Watch) != 2 {
			t.Fatalf("%s: %s %v", name, text, err)
		}
		primary, hel1 := f.Meta.Watch[0], f.Meta.Watch[1]
		if f.Status != "pending" || primary.State != "blind" || primary.Since != noon.UnixMilli()+3000 || primary.Message != "no route to host" {
			t.Errorf("%s: %s", name, text)
		}
		if want := map[string]string{"live": "nothing-reconciles", "later": "ready"}[name]; hel1.Region != "hel1" || hel1.Outcome != want {
			t.Errorf("%s: %s, want %s", name, text, want)
		}
	}
}

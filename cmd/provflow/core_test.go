package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

func TestAProvisionIsSeenFromItsFirstSecond(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	writer, reader := start(t, dsn), start(t, dsn)
	writer.post("d1", "") // known from here on
	s := reader.stream("d1", "")
	s.until(reader, "d1")
	writer.post("d1", event(0, "tofu-init"))
	s.until(reader, "d1")
	if got := s.state.status("d1:tofu-init"); got != "running" {
		t.Errorf("tofu-init is %q", got)
	}
	if got := s.state.status("d1:provisioner"); got != "running" {
		t.Errorf("its group is %q", got)
	}
	writer.post("d1", event(9, "tofu-plan"), component(20, "cilium", "installed"))
	s.until(reader, "d1")
	if got := s.state.status("d1:provisioner"); got != "succeeded" {
		t.Errorf("the group is %q", got)
	}
}

func TestSnapshotOfTheContract(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1",
		event(0, "tofu-init"), event(10, "cluster-bootstrap"),
		component(20, "bp-cilium", "installing", "chartVersion", "1.1.1"),
		component(21, "cert-manager", "pending", "dependsOn", "bp-cilium", "message", "dependency 'bp-cilium' is not ready"),
	)
	a := r.get("/api/v1/flows/d1/snapshot")
	var got, want any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	ms := func(second int64) int64 { return noon.UnixMilli() + second*1000 }
	text := fmt.Sprintf(`{"type":"snapshot",
	 "flow":{"id":"d1","status":"running","startedAt":%[1]d},
	 "nodes":[
	  {"id":"d1:provisioner","flowId":"d1","label":"Provision","status":"succeeded","family":"group","startedAt":%[1]d,"endedAt":%[3]d},
	  {"id":"d1:tofu-init","flowId":"d1","label":"Terraform Init","status":"succeeded","family":"tofu","startedAt":%[1]d,"endedAt":%[2]d,"meta":{"attempt":1}},
	  {"id":"d1:cluster-bootstrap","flowId":"d1","label":"Bootstrap Cluster","status":"succeeded","family":"bootstrap","startedAt":%[2]d,"endedAt":%[3]d,"meta":{"attempt":1}},
	  {"id":"d1:bootstrap-kit","flowId":"d1","label":"Bootstrap","status":"running","family":"group","startedAt":%[3]d},
	  {"id":"d1:install-cilium","flowId":"d1","label":"install-cilium","status":"running","family":"install","startedAt":%[3]d,"meta":{"state":"installing","attempt":1,"chartVersion":"1.1.1"}},
	  {"id":"d1:install-cert-manager","flowId":"d1","label":"install-cert-manager","status":"pending","family":"install","meta":{"state":"pending","reason":"dependency 'bp-cilium' is not ready","waitingOn":["d1:install-cilium"]}}],
	 "relationships":[
	  {"fromId":"d1:tofu-init","toId":"d1:provisioner","type":"contains"},
	  {"fromId":"d1:cluster-bootstrap","toId":"d1:provisioner","type":"contains"},
	  {"fromId":"d1:provisioner","toId":"d1:bootstrap-kit","type":"finish-to-start","condition":"on-success"},
	  {"fromId":"d1:install-cilium","toId":"d1:bootstrap-kit","type":"contains"},
	  {"fromId":"d1:install-cert-manager","toId":"d1:bootstrap-kit","type":"contains"},
	  {"fromId":"d1:install-cilium","toId":"d1:install-cert-manager","type":"finish-to-start","condition":"on-success"}]}`, ms(0), ms(10), ms(20))
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %s", pretty(a.body))
	}
	again := r.get("/api/v1/flows/d1/snapshot", "If-None-Match", a.header.Get("ETag"))
	if again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("If-None-Match: %d %q", again.status, again.body)
	}
	if b := r.get("/sovereign/v1/flows/d1/snapshot"); b.body != a.body {
		t.Errorf("the other paths differ: %d %s", b.status, b.body)
	}
}

// The same events again, in other pieces, change nothing: no version, execution or line.
func TestEventsSentAgainHaveNoSecondEffect(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	lines := []string{
		event(0, "tofu-init"), event(1, "tofu", "message", "a"), event(1, "tofu", "message", "a"), event(2, "tofu-init", "level", "error"),
		event(3, "tofu-init"), component(9, "x", "failed"), component(10, "x", "installing"),
		event(11, "component-log", "component", "x", "message", "b"),
	}
	first := r.post("d1", lines...)
	const count = `SELECT (SELECT count(*) FROM executions) * 1000000 + (SELECT count(*) FROM log_lines) * 1000 + (SELECT count(*) FROM transitions)`
	before, snapshot := query[int64](t, dsn, count), r.snapshot("d1").String()
	r.stop()
	r = start(t, dsn) // a restart in between changes nothing either
	if again := r.post("d1", lines...); again.body != first.body {
		t.Errorf("first %s, again %s", first.body, again.body)
	}
	for _, l := range lines {
		r.post("d1", l)
	}
	if after := query[int64](t, dsn, count); after != before || r.snapshot("d1").String() != snapshot {
		t.Errorf("history was %d and is %d", before, after)
	}
}

func TestAnIdempotencyKeyGetsTheFirstAnswerAgain(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	post := func(key string) string {
		return r.do("POST", "/api/v1/deployments/d1/provisioner-events", event(0, "tofu", "message", "a"), "Idempotency-Key", key).body
	}
	first := post("k1")
	r.post("d1", component(5, "x", "installed")) // the version has moved
	if again := post("k1"); again != first {
		t.Errorf("first %s, again %s", first, again)
	}
	post("k2") // another key is another write
	if n := query[int64](t, dsn, `SELECT count(*) FROM log_lines`); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
}

func TestADeletedFlowEndsItsStreams(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	here, there := start(t, dsn), start(t, dsn)
	here.post("d1", event(0, "tofu-init"))
	s := there.stream("d1", "")
	s.until(there, "d1")
	old := s.state.cursor
	for range 2 {
		if a := here.do("DELETE", "/api/v1/flows/d1", ""); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	for ok := true; ok; {
		_, ok = s.next()
	}
	s = there.stream("d1", old) // the deployment is still known: an empty flow, live from the first job on
	if f, _ := s.next(); f.event != "snapshot" || len(s.state.nodes) != 0 {
		t.Errorf("frame %+v", f)
	}
	here.post("d1", event(0, "tofu-init"))
	s.until(there, "d1")
	if s.state.status("d1:tofu-init") != "running" {
		t.Error("events of the life before are still taken for repeated")
	}
}

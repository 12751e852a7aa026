package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

var flowRows = []row{
	{sentence: "GET snapshot: the envelope of the local store, its ETag the cursor, 304 for If-None-Match", steps: []step{
		events(event(0, "tofu-init")),
		snapshot(has(`{"type":"snapshot","flow":{"id":"$d","status":"running"}}`), headed("ETag", `^"[^".]+\.\d+"$`), headed("Content-Type", `^application/json`)),
		notModified,
		events(event(5, "tofu-plan")),
		snapshot(shows("provisioner running", "tofu-init succeeded", "tofu-plan running")),
	}},
	{sentence: "GET snapshot: the whole of a provision", steps: []step{
		events(
			event(0, "tofu-init"), event(10, "cluster-bootstrap"),
			component(20, "bp-cilium", "installing", "chartVersion", "1.1.1"),
			component(21, "cert-manager", "pending", "dependsOn", "bp-cilium", "message", "dependency 'bp-cilium' is not ready")),
		snapshot(is(fmt.Sprintf(`{"type":"snapshot",
			"flow":{"id":"$d","status":"running","startedAt":%[1]d},
			"nodes":[
			{"id":"$d:provisioner","flowId":"$d","label":"Provision","status":"succeeded","family":"group","startedAt":%[1]d,"endedAt":%[3]d},
			{"id":"$d:tofu-init","flowId":"$d","label":"Terraform Init","status":"succeeded","family":"tofu","startedAt":%[1]d,"endedAt":%[2]d,"meta":{"attempt":1}},
			{"id":"$d:cluster-bootstrap","flowId":"$d","label":"Bootstrap Cluster","status":"succeeded","family":"bootstrap","startedAt":%[2]d,"endedAt":%[3]d,"meta":{"attempt":1}},
			{"id":"$d:bootstrap-kit","flowId":"$d","label":"Bootstrap","status":"running","family":"group","startedAt":%[3]d},
			{"id":"$d:install-cilium","flowId":"$d","label":"install-cilium","status":"running","family":"install","startedAt":%[3]d,"meta":{"state":"installing","attempt":1,"chartVersion":"1.1.1"}},
			{"id":"$d:install-cert-manager","flowId":"$d","label":"install-cert-manager","status":"pending","family":"install","meta":{"state":"pending","reason":"dependency 'bp-cilium' is not ready","waitingOn":["$d:install-cilium"]}}],
			"relationships":[
			{"fromId":"$d:tofu-init","toId":"$d:provisioner","type":"contains"},
			{"fromId":"$d:cluster-bootstrap","toId":"$d:provisioner","type":"contains"},
			{"fromId":"$d:provisioner","toId":"$d:bootstrap-kit","type":"finish-to-start","condition":"on-success"},
			{"fromId":"$d:install-cilium","toId":"$d:bootstrap-kit","type":"contains"},
			{"fromId":"$d:install-cert-manager","toId":"$d:bootstrap-kit","type":"contains"},
			{"fromId":"$d:install-cilium","toId":"$d:install-cert-manager","type":"finish-to-start","condition":"on-success"}]}`, ms, ms+10000, ms+20000))),
	}},
	{sentence: "GET snapshot of a known deployment with no jobs: an empty snapshot, flow status pending", steps: []step{
		registers(`{}`),
		snapshot(has(`{"type":"snapshot","flow":{"id":"$d","status":"pending"},"nodes":[],"relationships":[]}`)),
	}},
	{sentence: "GET snapshot of an unknown id: 404 when there is no upstream", steps: []step{snapshotIs404}},
	{sentence: "GET stream of an unknown id: 404 when there is no upstream", steps: []step{
		ask("GET /api/v1/flows/$d/stream", 404, fails("flow-not-found")),
	}},
	{sentence: "GET snapshot of a part: ?root, ?around", steps: []step{
		events(event(0, "tofu-init"), component(1, "a", "pending"), component(2, "b", "pending", "dependsOn", "a"), component(3, "c", "pending", "dependsOn", "b")),
		ask("GET /api/v1/flows/$d/snapshot?root=bootstrap-kit", 200, shows("bootstrap-kit pending", "install-a pending", "install-b pending", "install-c pending")),
		ask("GET /api/v1/flows/$d/snapshot?around=b&direction=upstream", 200, shows("install-a pending", "install-b pending")),
		ask("GET /api/v1/flows/$d/snapshot?around=$d%3Ainstall-b&direction=downstream", 200, shows("install-b pending", "install-c pending")),
		ask("GET /api/v1/flows/$d/snapshot?around=b&direction=both", 200, shows("install-a pending", "install-b pending", "install-c pending"),
			relates("install-a finish-to-start install-b", "install-b finish-to-start install-c")),
		ask("GET /api/v1/flows/$d/snapshot?root=nobody", 404, fails("job-not-found")),
		ask("GET /api/v1/flows/$d/snapshot?root=a&around=b", 400, fails("invalid-part")),
		ask("GET /api/v1/flows/$d/snapshot?around=a&direction=up", 400, fails("invalid-direction")),
		ask("GET /api/v1/flows/$d/snapshot?direction=upstream", 400, fails("invalid-part")),
	}},
	{sentence: "POST events: 200 with seq once it is durable, seq is the flow's version", steps: []step{
		send("POST /api/v1/flows/$d/events", upsert(node("a", "running")), 200, is(`{"seq":1}`)),
		onAnother(snapshot(shows("a running"), headed("ETag", `\.1"$`))),
		send("POST /api/v1/flows/$d/events", upsert(node("b", "running")), 200, is(`{"seq":2}`)),
	}},
	{sentence: "POST events: 400 on a bad envelope with the reason", steps: []step{
		posts(`{`, 400, fails("invalid-message", "not JSON")),
		posts(``, 400, fails("invalid-message")),
		posts(`{"type":"delete-nodes","ids":[]} {}`, 400, fails("invalid-message", "more than one")),
		posts(upsert(`{"label":"x"}`), 400, fails("invalid-id", "nodes[0].id")),
		posts(upsert(`{"id":"x","meta":[1]}`), 400, fails("invalid-message", "nodes[0].meta")),
		posts(upsert(`{"id":1}`), 400, fails("invalid-message", "id")),
		posts(upsertRels(rel("a", "a", "contains")), 400, fails("invalid-message", "to itself")),
		snapshotIs404, // nothing of it was applied
	}},
	{sentence: "POST events: 413 over 1 MiB", steps: []step{
		posts(upsert(`{"id":"x","label":"`+strings.Repeat("x", 1<<20)+`"}`), 413, fails("too-large", "larger than")),
		snapshotIs404,
	}},
	{sentence: "DELETE flow: 204, idempotent; its streams end; the deployment's record stays", steps: []step{
		events(event(0, "tofu-init")),
		onAnother(opens("", frames("snapshot", `{"flow":{"id":"$d"}}`))),
		ask("DELETE /api/v1/flows/$d", 204), ask("DELETE /api/v1/flows/$d", 204),
		ends,
		ask("GET /api/v1/deployments/$d", 200, has(`{"id":"$d","status":"pending"}`)),
		snapshot(shows()),
		events(event(0, "tofu-init")), // of another life: nothing of it was there before
		snapshot(shows("provisioner running", "tofu-init running")),
	}},
	{sentence: "DELETE deployment removes both", steps: []step{
		events(event(0, "tofu-init")),
		opens("", frames("snapshot", `{}`)),
		ask("DELETE /api/v1/deployments/$d", 204), ask("DELETE /api/v1/deployments/$d", 204),
		ends,
		ask("GET /api/v1/deployments/$d", 404, fails("deployment-not-found")),
		snapshotIs404,
		registers(`{}`), onAnother(opens("", frames("snapshot", `{"nodes":[]}`))), // without a flow, too
		ask("DELETE /api/v1/deployments/$d", 204), ends, snapshotIs404,
	}},
	{sentence: "/v1/flows: the same four, without /api", steps: []step{
		send("POST /v1/flows/$d/events", upsert(node("a", "running")), 200),
		snapshot(), ask("GET /v1/flows/$d/snapshot", 200, asBefore),
		streamsAt("/v1/flows/$d/stream"),
		ask("DELETE /v1/flows/$d", 204), snapshotIs404,
	}},
	{sentence: "all calls also work below /sovereign", steps: []step{
		send("POST /sovereign/api/v1/deployments/$d/provisioner-events", event(0, "tofu-init", "message", "m"), 200),
		send("POST /sovereign/v1/flows/$d/events", upsert(node("a", "running")), 200),
		send("PUT /sovereign/api/v1/deployments/$d", `{"provider":"aws"}`, 200),
		snapshot(), ask("GET /sovereign/api/v1/flows/$d/snapshot", 200, asBefore), ask("GET /sovereign/v1/flows/$d/snapshot", 200, asBefore),
		streamsAt("/sovereign/api/v1/flows/$d/stream"),
		ask("GET /sovereign/api/v1/deployments", 200), ask("GET /sovereign/api/v1/deployments/$d", 200, has(`{"provider":"aws"}`)),
		ask("GET /sovereign/api/v1/deployments/$d/jobs", 200), ask("GET /sovereign/api/v1/deployments/$d/jobs/tofu-init", 200),
		ask("GET /sovereign/api/v1/actions/executions/$d:tofu-init:1/logs", 200, has(`{"total":1}`)),
		streamsAt("/sovereign/api/v1/actions/executions/$d:tofu-init:1/logs/stream"),
		send("POST /sovereign/api/v1/internal/jobs/import", `{"deploymentId":"$d","jobs":[],"executions":[]}`, 200),
		ask("GET /sovereign/healthz", 200), ask("GET /sovereign/readyz", 200),
		ask("DELETE /sovereign/api/v1/flows/$d", 204), ask("DELETE /sovereign/api/v1/deployments/$d", 204), snapshotIs404,
	}},
	{sentence: "every path id may arrive percent-encoded", steps: []step{
		send("POST /v1/flows/$d:a%2Fb/events", upsert(node("n:1", "running")), 200, has(`{"seq":1}`)),
		send("POST /v1/flows/$d%3Aa%2fb/events", upsert(node("n:1", "running")), 200, has(`{"seq":1}`)),
		ask("GET /api/v1/flows/$d%3aa%2Fb/snapshot", 200, has(`{"flow":{"id":"$d:a/b"}}`)),
		ask("GET /api/v1/flows/%24%64/snapshot", 404),
		events(event(0, "tofu-init")),
		ask("GET /api/v1/deployments/$d/jobs/$d%3Atofu-init", 200, has(`{"job":{"id":"$d:tofu-init"}}`)),
		ask("GET /api/v1/actions/executions/$d%3Atofu-init%3A1/logs", 200),
		ask("DELETE /v1/flows/$d%3Aa%2Fb", 204), ask("GET /v1/flows/$d:a%2Fb/snapshot", 404),
	}},
	{sentence: "ids: 1 to 512 characters, no control characters; other text is cleaned, not refused", steps: []step{
		send("POST /v1/flows/"+strings.Repeat("f", 512)+"/events", upsert(node(strings.Repeat("n", 512), "running")), 200),
		ask("DELETE /v1/flows/"+strings.Repeat("f", 512), 204),
		send("POST /v1/flows/"+strings.Repeat("f", 513)+"/events", upsert(node("a", "running")), 400, fails("invalid-id", "512")),
		posts(upsert(node(strings.Repeat("n", 513), "running")), 400, fails("invalid-id", "nodes[0].id")),
		posts(upsert(`{"id":""}`), 400, fails("invalid-id")),
		posts(upsert(`{"id":"a\u0000"}`), 400, fails("invalid-id", "control character")),
		posts(upsertRels(rel("a\n", "b", "contains")), 400, fails("invalid-id", "relationships[0].fromId")),
		posts(upsert("{\"id\":\"caf\xe9\",\"status\":\"running\"}"), 400, fails("invalid-id", "nodes[0].id is not valid UTF-8")), // two such would become one
		posts(`{"type":"delete-nodes","ids":["\ud800"]}`, 400, fails("invalid-id", "ids[0] is not valid UTF-8")),
		send(importing, "{\"deploymentId\":\"$d\",\"jobs\":[{\"id\":\"caf\xe9\",\"status\":\"failed\"}]}", 400, fails("invalid-id", "jobs[0]")),
		ask("GET /v1/flows/a%00b/snapshot", 400, fails("invalid-id")),
		ask("GET /api/v1/flows/a%0Ab/stream", 400, fails("invalid-id")),
		ask("DELETE /v1/flows/%7F", 400, fails("invalid-id")),
		ask("GET /api/v1/deployments/$d/jobs/%00", 400, fails("invalid-id")),
		posts(upsert(`{"id":"x","label":"nul \u0000 gone","status":"running","meta":{"k\u0000":"v\u0000"}}`), 200),
		posts(upsert("{\"id\":\"y\",\"label\":\"not \xff UTF-8\"}"), 200),
		snapshot(nodeHas("x", `{"label":"nul  gone","meta":{"k":"v"}}`), nodeHas("y", `{"label":"not `+"\uFFFD"+` UTF-8"}`)),
	}},
	{sentence: "ids of 512 characters of any kind, as far as the database's keys have room for them together", steps: []step{
		emits(upsert(node(mixed(512, 1), "running"), node(mixed(300, 2), "pending")), upsertRels(rel(mixed(512, 1), mixed(300, 2), "finish-to-start"))),
		snapshot(relates(mixed(512, 1) + " finish-to-start " + mixed(300, 2))),
		posts(upsertRels(rel(mixed(512, 1), mixed(512, 3), "finish-to-start")), 400, fails("ids-too-long", "bytes")),
		send("POST /v1/flows/"+url.PathEscape(mixed(512, 4))+"/events", upsert(node(mixed(512, 1), "running")), 400, fails("ids-too-long", "bytes")),
	}},
	{sentence: "a flow that an emitter writes to exists from then on; no deployment record is needed", steps: []step{
		emits(upsert(node("a", "running"))),
		snapshot(shows("a running")),
		ask("GET /api/v1/deployments/$d", 404, fails("deployment-not-found")),
	}},
	{sentence: "an id in the body that contradicts the path is 400", steps: []step{
		posts(`{"type":"upsert-flow","flow":{"id":"other","status":"running"}}`, 400, fails("id-contradicts-path", "flow.id")),
		posts(upsert(`{"id":"x","flowId":"other"}`), 400, fails("id-contradicts-path", "nodes[0].flowId")),
		posts(snapshotOf("other", nil, nil), 400, fails("id-contradicts-path")),
		snapshotIs404,
	}},
}

// notModified asks for what was answered last.
func notModified(c *exchange) {
	c.t.Helper()
	a := c.get("/api/v1/flows/"+c.id+"/snapshot", "If-None-Match", c.last.header.Get("ETag"))
	if a.status != http.StatusNotModified || a.body != "" {
		c.t.Errorf("If-None-Match: %d %q", a.status, a.body)
	}
}

// mixed is an id of that many characters that no compression makes short.
func mixed(n int, seed uint64) string {
	var b strings.Builder
	for range n {
		seed = seed*6364136223846793005 + 1442695040888963407
		b.WriteRune(rune(0x4e00 + seed>>40%20000)) // of three bytes each
	}
	return b.String()
}

var writeRows = []row{
	{sentence: "Idempotency-Key: the same key for the same flow has its effect once and gets the first answer again (FlowMessage)", steps: []step{
		sendWith(key("k1"), "POST /v1/flows/$d/events", upsert(node("a", "running")), 200, is(`{"seq":1}`)),
		posts(upsert(node("a", "failed")), 200, is(`{"seq":2}`)),
		sendWith(key("k1"), "POST /v1/flows/$d/events", upsert(node("a", "running")), 200, is(`{"seq":1}`)),
		sendWith(key("k1"), "POST /api/v1/flows/$d/events", upsert(node("a", "running")), 200, is(`{"seq":1}`)),
		snapshot(shows("a failed")),
		sendWith(key("k2"), "POST /v1/flows/$d/events", upsert(node("a", "running")), 200, is(`{"seq":3}`)),
		sendWith(key("k1"), "POST /v1/flows/$d-too/events", upsert(node("a", "running")), 200, is(`{"seq":1}`)),
		send("GET /v1/flows/$d-too/snapshot", "", 200, shows("a running")), // the same key for another flow is another
	}},
	{sentence: "Idempotency-Key: the same (provisioner events)", steps: []step{
		sendWith(key("k1"), toldTo, event(0, "tofu", "message", "a"), 200, has(`{"accepted":1}`)),
		events(component(5, "x", "installed")),
		sendWith(key("k1"), toldTo, event(0, "tofu", "message", "a"), 200, has(`{"accepted":1,"version":1}`)),
		ask(initLog, 200, has(`{"total":1}`)),
		sendWith(key("k2"), toldTo, event(0, "tofu", "message", "a"), 200), // another key is another write
		ask(initLog, 200, has(`{"total":2}`)),
		sendWith(key(strings.Repeat("k", 513)), toldTo, "", 400),
	}},
	{sentence: "without a key a FlowMessage is applied as it stands: state that is there moves no version", steps: []step{
		posts(upsert(node("a", "running", `,"label":"A","meta":{"z":[1,2.50],"a":{}}`)), 200),
		posts(upsert(node("a", "running", `,"label":"A","meta":{"z":[1,2.50],"a":{}}`)), 200, movesBy(0)),
		posts(upsertRels(rel("a", "nowhere", "triggers")), 200, movesBy(1)),
		posts(upsertRels(rel("a", "nowhere", "triggers")), 200, movesBy(0)),
		posts(`{"type":"upsert-flow","flow":{"meta":{"owner":"me"}}}`, 200, movesBy(1)),
		posts(`{"type":"upsert-flow","flow":{"meta":{"owner":"me"}}}`, 200, movesBy(0)),
		posts(`{"type":"delete-nodes","ids":["never"]}`, 200, movesBy(0)),
		posts(upsert(node("a", "running"), node("a", "failed")), 200, movesBy(1)), // what is said last holds
		posts(upsert(node("a", "running"), node("a", "failed")), 200, movesBy(0)),
	}},
	{sentence: "running, failed, running again is three changes", steps: []step{
		posts(upsert(node("a", "running")), 200),
		posts(upsert(node("a", "failed")), 200, movesBy(1)),
		posts(upsert(node("a", "running")), 200, movesBy(1)),
		posts(upsert(node("a", "running")), 200, movesBy(0)),
	}},
	{sentence: "a provisioner event is recognised by its content, its time, and how often it stood before it in the request", steps: []step{
		events(event(0, "tofu-init"), event(1, "tofu", "message", "a"), event(1, "tofu", "message", "a"), event(2, "tofu", "message", "a")),
		ask(initLog, 200, has(`{"total":3}`)),
		events(event(0, "tofu-init"), event(1, "tofu", "message", "a"), event(1, "tofu", "message", "a"), event(2, "tofu", "message", "a")),
		events(event(1, "tofu", "message", "a")), events(event(2, "tofu", "message", "a")),
		ask(initLog, 200, has(`{"total":3}`)),
		events(event(1, "tofu", "message", "a"), event(1, "tofu", "message", "a"), event(1, "tofu", "message", "a")),
		ask(initLog, 200, has(`{"total":4}`)),
	}},
	{sentence: "POST provisioner-events: NDJSON applied in order, 200 with accepted and version", steps: []step{
		send(toldTo, event(0, "tofu-init")+"\n\n"+event(5, "tofu-plan")+"\n", 200, is(`{"accepted":2,"version":1}`)),
		send(toldTo, "", 200, is(`{"accepted":0,"version":1}`)),
		snapshot(shows("provisioner running", "tofu-init succeeded", "tofu-plan running"), headed("ETag", `\.1"$`)),
	}},
	{sentence: "an empty body makes a deployment known", steps: []step{
		events(), ask("GET /api/v1/deployments/$d", 200), snapshot(shows()),
	}},
}

const (
	toldTo  = "POST /api/v1/deployments/$d/provisioner-events"
	initLog = "GET /api/v1/actions/executions/$d:tofu-init:1/logs"
)

func key(k string) []string { return []string{"Idempotency-Key", k} }

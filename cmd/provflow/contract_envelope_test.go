package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const ms = 1_775_044_800_000 // noon, as clients read it

func TestNoonInMilliseconds(t *testing.T) {
	t.Parallel()
	if noon.UnixMilli() != ms {
		t.Errorf("noon is %d", noon.UnixMilli())
	}
}

// posts sends a FlowMessage to the row's flow.
func posts(message string, status int, wants ...want) step {
	return send("POST /v1/flows/$d/events", message, status, wants...)
}

var envelopeRows = []row{
	{sentence: "`type` is one of six", steps: []step{
		posts(snapshotOf("$d", nil, nil), 200, is(`{"seq":1}`)),
		posts(`{"type":"upsert-flow","flow":{"id":"$d","status":"running"}}`, 200),
		posts(upsert(node("a", "running"), node("b", "running")), 200),
		posts(upsertRels(rel("a", "b", "triggers")), 200),
		posts(`{"type":"delete-rels","pairs":[`+rel("a", "b", "triggers")+`]}`, 200),
		posts(`{"type":"delete-nodes","ids":["a"]}`, 200),
		posts(`{"type":"replace"}`, 400, fails("invalid-message", `"type"`)),
		posts(`{}`, 400, fails("invalid-message", `"type"`)),
		snapshot(shows("b running"), relates()),
	}},
	{sentence: "FlowInstance", steps: []step{
		posts(fmt.Sprintf(`{"type":"upsert-flow","flow":{"id":"$d","definitionId":"def","parentFlowId":"up","triggeredBy":[{"flowId":"other","when":"always"}],
			"status":"failed","startedAt":%d,"endedAt":%d,"meta":{"k":[1,2.50]}}}`, ms, ms+9000), 200),
		snapshot(is(fmt.Sprintf(`{"type":"snapshot","flow":{"id":"$d","definitionId":"def","parentFlowId":"up","triggeredBy":[{"flowId":"other","when":"always"}],
			"status":"failed","startedAt":%d,"endedAt":%d,"meta":{"k":[1,2.5]}},"nodes":[],"relationships":[]}`, ms, ms+9000))),
	}},
	{sentence: "FlowNode", steps: []step{
		posts(upsert(fmt.Sprintf(`{"id":"a","flowId":"$d","label":"A","status":"succeeded","family":"install","region":"hel1","startedAt":%d,"endedAt":%d,"meta":{"k":"v"}}`, ms, ms+9000)), 200),
		snapshot(has(fmt.Sprintf(`{"nodes":[{"id":"a","flowId":"$d","label":"A","status":"succeeded","family":"install","region":"hel1","startedAt":%d,"endedAt":%d,"meta":{"k":"v"}}]}`, ms, ms+9000))),
		posts(upsert(`{"id":"b","status":"pending"}`), 200),
		snapshot(nodeLacks("b", "family", "region", "startedAt", "endedAt", "meta")),
	}},
	{sentence: "Relationship", steps: []step{
		emits(upsert(node("a", "running"), node("b", "running"))),
		posts(upsertRels(`{"fromId":"a","toId":"b","type":"finish-to-start","condition":"on-failure","lag":5}`, `{"fromId":"a","toId":"x","toFlowId":"next","type":"triggers"}`), 200),
		snapshot(has(`{"relationships":[{"fromId":"a","toId":"b","type":"finish-to-start","condition":"on-failure","lag":5},{"fromId":"a","toId":"x","toFlowId":"next","type":"triggers"}]}`)),
		posts(upsertRels(`{"fromId":"a","toId":"b","type":"triggers","condition":"sometimes"}`), 400, fails("invalid-message", "condition")),
		posts(upsertRels(`{"fromId":"a","toId":"b","type":"triggers","lag":0.5}`), 400, fails("invalid-message", "lag")),
	}},
	{sentence: "which parts a message has", steps: []step{
		posts(`{"type":"snapshot","nodes":[],"relationships":[]}`, 400, fails("invalid-message", `"flow"; it is missing`)),
		posts(`{"type":"snapshot","flow":{},"relationships":[]}`, 400, fails("invalid-message", `"nodes"`)),
		posts(`{"type":"snapshot","flow":{},"nodes":[]}`, 400, fails("invalid-message", `"relationships"`)),
		posts(`{"type":"upsert-flow"}`, 400, fails("invalid-message", `"flow"`)),
		posts(`{"type":"upsert-nodes"}`, 400, fails("invalid-message", `"nodes"`)),
		posts(`{"type":"upsert-rels"}`, 400, fails("invalid-message", `"relationships"`)),
		posts(`{"type":"delete-nodes"}`, 400, fails("invalid-message", `"ids"`)),
		posts(`{"type":"delete-rels"}`, 400, fails("invalid-message", `"pairs"`)),
		snapshotIs404,
		emits(`{"type":"delete-nodes","ids":[],"nodes":[` + node("a", "running") + `]}`), // no part of this type
		snapshot(shows()),
	}},
	{sentence: "relationship types", steps: []step{
		emits(upsert(node("a", "pending"), node("b", "pending"))),
		emits(upsertRels(rel("a", "b", "contains"), rel("a", "b", "finish-to-start"), rel("a", "b", "start-to-start"),
			rel("a", "b", "finish-to-finish"), rel("a", "b", "start-to-finish"), rel("a", "b", "triggers"))),
		snapshot(relates("a contains b", "a finish-to-start b", "a start-to-start b", "a finish-to-finish b", "a start-to-finish b", "a triggers b")),
		posts(upsertRels(rel("a", "b", "blocks")), 400, fails("invalid-message", "relationships[0].type")),
	}},
	{sentence: "`contains`: fromId is the child, toId the parent; `finish-to-start`: toId starts after fromId", steps: []step{
		events(component(1, "a", "pending"), component(2, "b", "pending", "dependsOn", "a")),
		snapshot(relates("install-a contains bootstrap-kit", "install-b contains bootstrap-kit", "install-a finish-to-start install-b")),
		ask("GET /api/v1/deployments/$d/jobs/b", 200, has(`{"job":{"parentId":"$d:bootstrap-kit","dependsOn":["$d:install-a"]}}`)),
	}},
	{sentence: "times are unix milliseconds, below 10^12 is a bug", steps: []step{
		posts(upsert(`{"id":"a","startedAt":1764000000}`), 400, fails("invalid-message", "nodes[0].startedAt", "milliseconds")),
		posts(`{"type":"upsert-flow","flow":{"endedAt":999999999999}}`, 400, fails("invalid-message", "flow.endedAt")),
		posts(upsert(`{"id":"a","status":"running","startedAt":1000000000000}`), 200),
		snapshot(nodeHas("a", `{"startedAt":1000000000000}`)),
	}},
	{sentence: "times are those of the events, not of their arrival", steps: []step{
		events(component(1.5, "a", "installing"), component(9, "a", "installed")),
		snapshot(nodeHas("$d:install-a", fmt.Sprintf(`{"startedAt":%d,"endedAt":%d}`, ms+1500, ms+9000)),
			has(fmt.Sprintf(`{"flow":{"startedAt":%d,"endedAt":%d}}`, ms+1500, ms+9000))),
	}},
	{sentence: "startedAt of a flow that has not started is when it became known", steps: []step{
		events(component(1, "a", "pending")),
		snapshot(has(`{"flow":{"status":"pending"}}`), becameKnownJustNow),
	}},
	{sentence: "natural keys", steps: []step{
		emits(upsert(node("a", "pending"), node("b", "pending")), upsert(node("a", "running"))),
		emits(upsertRels(rel("a", "b", "triggers"), rel("a", "b", "start-to-start")), upsertRels(`{"fromId":"a","toId":"b","type":"triggers","lag":7}`)),
		send("POST /v1/flows/$d-too/events", upsert(node("a", "failed")), 200),
		snapshot(shows("a running", "b pending"), relates("a triggers b", "a start-to-start b"), has(`{"relationships":[{"lag":7},{}]}`)),
	}},
	{sentence: "upsert-nodes brings whole nodes", steps: []step{
		emits(upsert(node("a", "running", `,"label":"A","family":"install","meta":{"k":1}`))),
		opens("", frames("snapshot", `{}`)),
		emits(upsert(`{"id":"a","status":"succeeded"}`)),
		frames("upsert-nodes", fmt.Sprintf(`{"nodes":[{"id":"a","flowId":"$d","label":"A","status":"succeeded","family":"install","startedAt":%d,"meta":{"k":1}}]}`, ms)),
	}},
	{sentence: "the same state always comes in the same order", steps: []step{
		events(component(1, "z", "pending", "dependsOn", "m"), component(1, "a", "pending", "dependsOn", "z"), component(1, "m", "pending")),
		snapshot(shows("bootstrap-kit pending", "install-z pending", "install-a pending", "install-m pending")),
		snapshot(asBefore), onAnother(snapshot(asBefore)),
		events(component(2, "z", "installing")),
		snapshot(shows("bootstrap-kit running", "install-z running", "install-a pending", "install-m pending")),
	}},
	{sentence: "lists are sent as [], never null and never left out", steps: []step{
		registers(`{}`),
		snapshot(tells(`"nodes":[]`, `"relationships":[]`)),
		emits(upsert(node("a", "pending")), `{"type":"delete-nodes","ids":["a"]}`),
		snapshot(tells(`"nodes":[]`, `"relationships":[]`), hides("null")),
	}},
	{sentence: "statuses a client knows; any other shows as pending; finer states travel in meta", steps: []step{
		emits(upsert(node("p", "pending"), node("r", "running"), node("s", "succeeded"), node("f", "failed"), node("x", "rolling-back"))),
		snapshot(shows("p pending", "r running", "s succeeded", "f failed", "x pending")),
		events(component(1, "a", "degraded", "chartVersion", "1.2"), component(2, "b", "pending", "dependsOn", "a", "message", "waits for a")),
		snapshot(nodeHas("$d:install-a", `{"status":"running","meta":{"state":"degraded","attempt":1,"chartVersion":"1.2"}}`),
			nodeHas("$d:install-b", `{"status":"pending","meta":{"state":"pending","reason":"waits for a","waitingOn":["$d:install-a"]}}`)),
	}},
	{sentence: "a node is a group only if something is in it, and every edge's ends exist", steps: []step{
		emits(upsert(node("g", "failed")), upsertRels(rel("a", "g", "contains"), rel("g", "later", "triggers"))),
		snapshot(shows("g failed"), relates()),
		emits(upsert(node("a", "running"))),
		snapshot(shows("g running", "a running"), relates("a contains g")),
		emits(upsert(node("later", "pending")), `{"type":"delete-nodes","ids":["a"]}`),
		snapshot(relates("g triggers later")),
	}},
}

var snapshotIs404 = ask("GET /api/v1/flows/$d/snapshot", http.StatusNotFound, fails("flow-not-found"))

// becameKnownJustNow wants a flow that began, as far as is known, today and not at noon in April.
func becameKnownJustNow(c *exchange, a answer) string {
	e := decode[envelope](c.t, a.body)
	record := decode[deployment](c.t, c.get("/api/v1/deployments/"+c.id).body)
	if off := e.Flow.StartedAt - record.CreatedAt.UnixMilli(); off < -5000 || off > 5000 {
		return fmt.Sprintf("known since %s: %s", record.CreatedAt, strings.TrimSpace(a.body))
	}
	return ""
}

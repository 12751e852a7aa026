package main

import "strings"

// requestRows are about what is refused, and in which words: nothing that a client meant is
// passed over in silence.
var requestRows = []row{
	{sentence: "a filter is never ignored: given twice where one holds, it is 400", steps: []step{
		events(component(1, "a", "installed"), component(1, "b", "installed")),
		ask("GET /api/v1/flows/$d/snapshot?root=bootstrap-kit&root=provisioner", 400, fails("invalid-query", "root", "once")),
		ask("GET /v1/flows/$d/snapshot?around=a&around=b", 400, fails("invalid-query", "around")),
		ask("GET /api/v1/flows/$d/snapshot?at=2026-04-01&at=2026-04-02", 400, fails("invalid-query", "at is")),
		ask("GET /sovereign/api/v1/flows/$d/stream?lastEventId=1.1&lastEventId=1.2", 400, fails("invalid-query", "lastEventId")),
		ask("GET /api/v1/deployments?limit=1&limit=2", 400, fails("invalid-query", "limit")),
		ask("GET /api/v1/deployments?after=x&after=y", 400, fails("invalid-query", "after")),
		ask("GET /api/v1/actions/executions/$d:install-a:1/logs?fromLine=1&fromLine=2", 400, fails("invalid-query", "fromLine")),
		ask("GET /api/v1/actions/executions/$d:install-a:1/logs/stream?fromLine=1&fromLine=2", 400, fails("invalid-query", "fromLine")),
		ask("GET /api/v1/analytics/components?region=a&region=b", 400, fails("invalid-query", "region")),
	}},
	{sentence: "a filter is never ignored: empty where a job or a time is meant, it is 400", steps: []step{
		events(component(1, "a", "installed")),
		ask("GET /api/v1/flows/$d/snapshot?root=", 400, fails("invalid-query", "root is empty")),
		ask("GET /api/v1/flows/$d/snapshot?around=&direction=upstream", 400, fails("invalid-query", "around")),
		ask("GET /api/v1/flows/$d/snapshot?around=a&direction=", 400, fails("invalid-query", "direction")),
		ask("GET /api/v1/flows/$d/snapshot?at", 400, fails("invalid-query", "at is empty")),
		ask("GET /api/v1/flows/$d/snapshot?at=0001-01-01", 400, fails("invalid-time")), // which would be no time at all
		ask("GET /api/v1/analytics/components?to=2305844709213693952", 400, fails("invalid-time")),
		ask("GET /api/v1/deployments/$d/jobs?status=%zz", 400, fails("invalid-query", "escaped")),
		ask("GET /api/v1/flows/$d/snapshot?root=a;around=b", 400, fails("invalid-query")),
		snapshot(),
		ask("GET /api/v1/flows/$d/snapshot?_=1764000000&token=x", 200, asBefore), // of nothing here, as an unknown field
	}},
	{sentence: "an id in the body that contradicts the path is 400, in whatever part", steps: []step{
		send("PUT /api/v1/deployments/$d", `{"id":"$d","provider":"aws"}`, 200, has(`{"id":"$d"}`)),
		send("PUT /api/v1/deployments/$d", `{"id":"other","provider":"gcp"}`, 400, fails("id-contradicts-path", "other", "$d")),
		ask("GET /api/v1/deployments/$d", 200, has(`{"provider":"aws"}`)),
		posts(`{"type":"upsert-nodes","flow":{"id":"other"},"nodes":[`+node("a", "running")+`]}`, 400, fails("id-contradicts-path", "flow.id")),
		posts(`{"type":"upsert-flow","flow":{},"nodes":[{"id":"a","flowId":"other"}]}`, 400, fails("id-contradicts-path", "nodes[0].flowId")),
	}},
	{sentence: "import: another deployment's job or execution is 400, by its owner or by its id", steps: []step{
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"other:x","status":"failed"}]}`, 400, fails("invalid-import", "jobs[0]", "other")),
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"x","status":"failed"}],"executions":[{"id":"e","jobId":"other:x","status":"failed"}]}`, 400, fails("invalid-import", "executions[0]", "other")),
		send(importing, `{"deploymentId":"$d","jobs":[],"executions":[{"id":"e","deploymentId":"other","jobId":"x","status":"failed"}]}`, 400, fails("invalid-import", "executions[0]")),
		snapshotIs404,
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"install-hel1:x","region":"hel1","status":"failed"},{"id":"$d:hel1:install-y","region":"hel1","status":"failed"}]}`, 200),
		ask("GET /api/v1/deployments/$d/jobs", 200, lists("install-hel1:x", "install-hel1:y")),
	}},
	{sentence: "import: ids, times and numbers of an index and of an archive are held to what the rest is held to", steps: []step{
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"x","status":"failed","dependsOn":["a","b\u0000"]}]}`, 400, fails("invalid-id", "jobs[0].dependsOn[1]", "control character")),
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"x","status":"failed","dependsOn":[""]}]}`, 400, fails("invalid-id", "jobs[0].dependsOn[0] is empty")),
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"cutover-`+mixed(480, 1)+`","status":"failed","dependsOn":["`+mixed(480, 2)+`"]}]}`, 400, fails("ids-too-long", "jobs[0].dependsOn[0]")),
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"cutover-`+mixed(480, 1)+`","status":"failed","parentId":"`+mixed(480, 2)+`"}]}`, 400, fails("ids-too-long", "jobs[0].parentId")),
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"x","status":"failed","startedAt":"1970-01-01T00:00:01Z"}]}`, 400, fails("invalid-import", "jobs[0]", "1970", "2001-09-09T01:46:40Z")),
		send(importing, `{"deploymentId":"$d","jobs":[{"id":"x","status":"failed"}],"executions":[{"id":"e","jobId":"x","status":"failed","finishedAt":"9999-12-31T23:59:59-12:00"}]}`, 400, fails("invalid-import", "executions[0]", "9999")),
		archive(`{"flow":{"parentFlowId":"a\u0000","status":"pending"}}`, 400, fails("invalid-id", "flow.parentFlowId")),
		archive(`{"relationship":{"fromId":"`+mixed(480, 1)+`","toId":"`+mixed(480, 2)+`","type":"triggers"}}`, 400, fails("ids-too-long", "relationship")),
		archive(`{"job":{"id":"a","status":"running","startedAt":"1970-01-01T00:00:01Z"}}`, 400, fails("invalid-archive", "job has the time 1970")),
		archive(`{"execution":{"id":"a","jobId":"b","status":"running","attempt":3000000000,"startedAt":"2026-04-01T12:00:00Z"}}`, 400, fails("invalid-archive", "execution has the number 3000000000")),
		snapshotIs404,
		archive(`{"job":{"id":"a","status":"running","chartVersion":"1\u0000.2","state":"inst\u0000alling"}}`, 200), // texts are cleaned
		snapshot(nodeHas("a", `{"status":"running","meta":{"state":"installing","chartVersion":"1.2"}}`)),
		sendWith(asArchive, importing, `{"provflow":{"format":1,"flowId":"`+mixed(500, 3)+`"}}`+"\n"+`{"job":{"id":"`+mixed(500, 4)+`","status":"pending"}}`, 400, fails("ids-too-long", "no room")),
	}},
	{sentence: "a resource's address may be of any script and length, and so may those it depends on", steps: []step{
		events(event(0, "tofu-resource", "component", mixed(379, 1), "state", "planned"), event(1, "tofu-resource", "component", strings.Repeat("😀", 379), "state", "planned", "dependsOn", mixed(379, 1)+" "+mixed(4000, 2)),
			event(2, "tofu-resource", "component", mixed(4000, 2), "state", "planned", "dependsOn", strings.Repeat("😁", 379))),
		snapshot(tells(mixed(379, 1) + `","toId":"$d:tofu-apply/😀`)),
	}},
	{sentence: "errors name the field and what is expected, in JSON's words", steps: []step{
		send("PUT /api/v1/deployments/$d", `null`, 400, fails("invalid-deployment", "null")),
		send("PUT /api/v1/deployments/$d", `[]`, 400, fails("invalid-deployment", "a list")),
		send("PUT /api/v1/deployments/$d", ``, 400, fails("invalid-deployment", "not JSON")),
		send("PUT /api/v1/deployments/$d", `{"regions":"fsn1"}`, 400, fails("invalid-deployment", `"regions" is a string; it must be a list`)),
		send("PUT /api/v1/deployments/$d", `{"provider":["aws"]}`, 400, fails("invalid-deployment", `"provider" is a list; it must be a string`)),
		posts(upsert(`{"id":"a","startedAt":1e400}`), 400, fails("invalid-message", "the number 1e400")),
		posts(`null`, 400, fails("invalid-message", `"type"`)), posts(`7`, 400, fails("invalid-message", "a number")),
		posts(`{"type":"upsert-nodes","nodes":{}}`, 400, fails("invalid-message", `"nodes" is an object; it must be a list`)),
		posts(`{"type":"delete-nodes","ids":[7]}`, 400, fails("invalid-message", `"ids"`, "a string")),
		send(toldTo, `{"time":7,"phase":"tofu"}`, 400, fails("invalid-event", `"time" is a number; it must be a string`)),
		send(toldTo, `{"dependsOn":"a"}`, 400, fails("invalid-event", `"dependsOn" is a string; it must be a list`)),
		send(importing, `{"deploymentId":"$d","jobs":[{"startedAt":"yesterday"}]}`, 400, fails("invalid-import", "yesterday", "RFC 3339")),
		send(importing, `{"deploymentId":"$d","jobs":{}}`, 400, fails("invalid-import", `"jobs" is an object; it must be a list`)),
		snapshotIs404,
	}},
	{sentence: "HEAD answers as GET does, without a body", steps: []step{
		ask("HEAD /api/v1/flows/$d/stream", 404), ask("HEAD /v1/flows/$d/snapshot", 404), ask("HEAD /api/v1/actions/executions/$d:x:1/logs/stream", 404),
		events(event(0, "tofu-init")),
		ask("HEAD /sovereign/v1/flows/$d/stream", 200, headed("Content-Type", "^text/event-stream$")),
		ask("HEAD /api/v1/actions/executions/$d:tofu-init:1/logs/stream", 200, headed("Content-Type", "^text/event-stream$")),
		ask("HEAD /api/v1/flows/$d/snapshot", 200, headed("ETag", `^"`)),
	}},
	{sentence: "the description and its page, below /sovereign as well", steps: []step{
		ask("GET /openapi.json", 200, has(`{"openapi":"3.1.0","servers":[{"url":"."}]}`)), ask("GET /sovereign/openapi.json", 200, asBefore),
		ask("GET /docs", 200, tells(`src="docs/swagger-ui-bundle.js"`, `href="docs/swagger-ui.css"`, `../openapi.json`)),
		ask("GET /docs/swagger-ui.css", 200), ask("GET /sovereign/docs/swagger-ui.css", 200, asBefore),
		ask("GET /sovereign/docs", 200, tells(`src="docs/swagger-ui-bundle.js"`)), ask("GET /sovereign/docs/swagger-ui-bundle.js", 200), ask("GET /docs/swagger-ui-standalone-preset.js", 200),
		ask("GET /docs/nothing.js", 404, fails("no-such-path")), ask("GET /sovereign/docs/..%2fspec.go", 404, fails("no-such-path")), ask("GET /sovereign/docs/", 200, tells(`src="docs/swagger-ui-bundle.js"`)), // sent on to /sovereign/docs
	}},
}

// archive sends one record of the row's flow, as an archive.
func archive(record string, status int, wants ...want) step {
	return sendWith(asArchive, importing, `{"provflow":{"format":1,"flowId":"$d"}}`+"\n"+record+"\n", status, wants...)
}

var asArchive = []string{"Content-Type", "application/x-ndjson"}

const importing = "POST /api/v1/internal/jobs/import"

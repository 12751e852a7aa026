package main

import (
	"fmt"
	"strings"
)

var serviceRows = []row{
	{sentence: "import: {deploymentId, sovereignFqdn, jobs, executions} from another store", steps: []step{
		imports(oldIndex),
		ask("GET /api/v1/deployments/$d", 200, has(`{"sovereignFQDN":"old.example.com","status":"failed"}`)),
		snapshot(shows("install-a succeeded", "install-b failed", "bootstrap-kit failed"), relates("install-a contains bootstrap-kit", "install-b contains bootstrap-kit", "install-a finish-to-start install-b")),
		ask("GET /api/v1/deployments/$d/jobs/a", 200, has(`{"executions":[{"id":"e2","status":"succeeded"},{"id":"e1","status":"failed"}]}`)),
	}},
	{sentence: "import: idempotent", steps: []step{
		imports(oldIndex), snapshot(), imports(oldIndex), imports(oldIndex), snapshot(asBefore),
		ask("GET /api/v1/deployments/$d/jobs/a", 200), imports(oldIndex), ask("GET /api/v1/deployments/$d/jobs/a", 200, asBefore, has(`{"executions":[{"id":"e2"},{"id":"e1"}]}`)),
	}},
	{sentence: "import: a terminal job never goes back", steps: []step{
		events(component(1, "a", "installed")), snapshot(),
		imports(`{"deploymentId":"$d","jobs":[{"id":"$d:install-a","jobName":"install-a","status":"running","startedAt":"2026-04-02T12:00:00Z"}],"executions":[]}`),
		snapshot(asBefore),
	}},
	{sentence: "import: what is wrong is named", steps: []step{
		send("POST /api/v1/internal/jobs/import", `{"deploymentId":"$d","jobs":[{"jobName":"a","status":"done"}]}`, 400, fails("invalid-import", "jobs[0].status")),
		send("POST /api/v1/internal/jobs/import", `{"deploymentId":"$d","jobs":[{"deploymentId":"other","jobName":"a","status":"failed"}]}`, 400, fails("invalid-import", "jobs[0]", "other")),
		send("POST /api/v1/internal/jobs/import", `[]`, 400, fails("invalid-import")),
		snapshotIs404,
	}},
	{sentence: "errors: {error, detail}", steps: []step{
		ask("GET /api/v1/nothing", 404, fails("no-such-path")),
		ask("PATCH /api/v1/deployments/$d", 405, fails("method-not-allowed"), headed("Allow", `^GET, PUT, DELETE$`)),
		ask("PATCH /sovereign/v1/flows/$d/events", 405, fails("method-not-allowed"), headed("Allow", `^POST$`)),
		ask("BREW /api/v1/deployments/$d", 405, fails("method-not-allowed", "use GET, PUT, DELETE")), ask("PROPFIND /api/v1/nothing", 404, fails("no-such-path")),
		ask("HEAD /api/v1/session", 405, headed("Allow", `^GET, POST, DELETE$`)),
		ask("PUT /docs", 405, fails("method-not-allowed"), headed("Allow", `^GET$`)),
		send(toldTo, event(0, "tofu-init")+"\n{", 400, fails("invalid-event", "line 2"), has(`{"line":2,"accepted":1}`)),
	}},
	{sentence: "health: /healthz, /readyz", steps: []step{
		ask("GET /healthz", 200), ask("GET /readyz", 200),
	}},
}

const oldIndex = `{"deploymentId":"$d","sovereignFqdn":"old.example.com","jobs":[
	{"id":"$d:install-a","jobName":"install-a","appId":"a","batchId":"bootstrap-kit","dependsOn":[],"status":"succeeded","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:01:00Z","latestExecutionId":"e2"},
	{"id":"$d:install-b","jobName":"install-b","appId":"b","parentId":"$d:bootstrap-kit","dependsOn":["a"],"status":"failed","startedAt":"2026-04-01T12:02:00Z","finishedAt":"2026-04-01T12:03:00Z"}],
	"executions":[
	{"id":"e2","jobId":"$d:install-a","deploymentId":"$d","status":"succeeded","startedAt":"2026-04-01T12:00:30Z","finishedAt":"2026-04-01T12:01:00Z"},
	{"id":"e1","jobId":"$d:install-a","deploymentId":"$d","status":"failed","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:00:10Z"}]}`

// log wants the messages of an execution, in order.
func log(execution string, messages ...string) step {
	return ask("GET /api/v1/actions/executions/$d:"+execution+"/logs", 200, func(c *exchange, a answer) string {
		var got []string
		for _, l := range decode[struct{ Lines []struct{ Message string } }](c.t, a.body).Lines {
			got = append(got, l.Message)
		}
		if fmt.Sprint(got) != fmt.Sprint(messages) {
			return fmt.Sprintf("got %q, want %q", got, messages)
		}
		return ""
	})
}

var phaseRows = []row{
	{sentence: "tofu-init, tofu-plan, tofu-apply, tofu-output, cluster-bootstrap: a step begins", steps: []step{
		events(event(0, "tofu-init")), snapshot(shows("provisioner running", "tofu-init running")),
		events(event(1, "tofu-plan")), snapshot(shows("provisioner running", "tofu-init succeeded", "tofu-plan running")),
		events(event(2, "tofu-apply")), events(event(3, "tofu-output")), events(event(4, "cluster-bootstrap")),
		snapshot(shows("provisioner running", "tofu-init succeeded", "tofu-plan succeeded", "tofu-apply succeeded", "tofu-output succeeded", "cluster-bootstrap running")),
	}},
	{sentence: "flux-bootstrap is an alias of cluster-bootstrap", steps: []step{
		events(event(0, "flux-bootstrap")), snapshot(shows("provisioner running", "cluster-bootstrap running")),
	}},
	{sentence: "while a step is active, it says something more: a log line", steps: []step{
		events(event(0, "tofu-plan", "message", "begins"), event(1, "tofu-plan", "message", "goes on")),
		log("tofu-plan:1", "begins", "goes on"),
		ask("GET /api/v1/deployments/$d/jobs/tofu-plan", 200, has(`{"executions":[{"status":"running"}]}`)),
	}},
	{sentence: "a step ends as succeeded when the next one begins", steps: []step{
		events(event(0, "tofu-init"), event(7, "tofu-plan")),
		snapshot(nodeHas("$d:tofu-init", fmt.Sprintf(`{"status":"succeeded","startedAt":%d,"endedAt":%d}`, ms, ms+7000))),
	}},
	{sentence: "the last step ends when the first component event arrives", steps: []step{
		events(event(0, "cluster-bootstrap")), snapshot(shows("provisioner running", "cluster-bootstrap running")),
		events(component(8, "a", "pending")),
		snapshot(shows("provisioner succeeded", "cluster-bootstrap succeeded", "bootstrap-kit pending", "install-a pending"), nodeHas("$d:cluster-bootstrap", fmt.Sprintf(`{"endedAt":%d}`, ms+8000))),
	}},
	{sentence: "a step ends as failed on an event of its phase with level error", steps: []step{
		events(event(0, "tofu-apply"), event(5, "tofu-apply", "level", "error", "message", "no quota")),
		snapshot(shows("provisioner failed", "tofu-apply failed"), nodeHas("$d:tofu-apply", fmt.Sprintf(`{"endedAt":%d}`, ms+5000))),
		log("tofu-apply:1", "no quota"),
	}},
	{sentence: "a step ends as its state says", steps: []step{
		events(event(0, "tofu-init"), event(3, "tofu-init", "state", "succeeded")), snapshot(shows("provisioner succeeded", "tofu-init succeeded")),
		events(event(4, "tofu-plan"), event(5, "tofu-plan", "state", "failed")), snapshot(shows("provisioner failed", "tofu-init succeeded", "tofu-plan failed")),
		send(toldTo, event(6, "tofu-apply", "state", "installed"), 400, fails("invalid-event", `"state"`)),
	}},
	{sentence: "tofu: a log line of the step that is active", steps: []step{
		events(event(0, "tofu-init"), event(1, "tofu", "message", "a"), event(2, "tofu-plan"), event(3, "tofu", "message", "b"), event(4, "tofu", "message", "c", "level", "error")),
		log("tofu-init:1", "a"), log("tofu-plan:1", "b", "c"),
		snapshot(shows("provisioner running", "tofu-init succeeded", "tofu-plan running")), // an error in its output does not fail it
	}},
	{sentence: "component: a HelmRelease bp-<component> went to a state", steps: []step{
		events(component(0, "cilium", "installing", "message", "m")), snapshot(shows("bootstrap-kit running", "install-cilium running")), log("install-cilium:1", "m"),
	}},
	{sentence: "component-log: a line of the component's open execution", steps: []step{
		events(component(0, "a", "installing"), event(1, "component-log", "component", "a", "message", "x")), log("install-a:1", "x"),
	}},
	{sentence: "component-log: with none open, of its last one when not later than a minute after its end", steps: []step{
		events(component(0, "a", "installed"), event(60, "component-log", "component", "a", "message", "kept"), event(61, "component-log", "component", "a", "message", "chatter")),
		log("install-a:1", "kept"),
		ask("GET /api/v1/deployments/$d/jobs/a", 200, has(`{"job":{"status":"succeeded"},"executions":[{"id":"$d:install-a:1"}]}`)),
	}},
	{sentence: "component-log: before any, it opens one", steps: []step{
		events(event(1, "component-log", "component", "a", "message", "first"), component(2, "a", "installing")),
		log("install-a:1", "first"),
		ask("GET /api/v1/deployments/$d/jobs/a", 200, has(`{"job":{"status":"running"},"executions":[{"id":"$d:install-a:1","status":"running"}]}`)),
	}},
	{sentence: "a malformed line: 400 naming it; the lines before it are kept", steps: []step{
		send(toldTo, event(0, "tofu-init")+"\n\n"+`{"time":`+"\n"+event(5, "tofu-plan"), 400, fails("invalid-event", "line 3: not JSON"), has(`{"line":3,"accepted":1}`)),
		snapshot(shows("provisioner running", "tofu-init running")),
		send(toldTo, event(1, "tofu-plan")+"\n"+event(2, "tofu", "message", strings.Repeat("x", 1<<20)), 400, fails("line-too-long", "line 2"), has(`{"accepted":1}`)),
		snapshot(shows("provisioner running", "tofu-init succeeded", "tofu-plan running")),
		send(toldTo, event(1, "tofu-destroy"), 400, fails("invalid-event", `field "phase"`)),
		send(toldTo, `{"phase":"tofu"}`, 400, fails("invalid-event", `field "time"`)),
		send(toldTo, `{"time":"2999-01-01T00:00:00Z","phase":"tofu"}`, 400, fails("invalid-event", `field "time"`)),
		send(toldTo, `{"time":"1999-12-31T23:59:59Z","phase":"tofu"}`, 400, fails("invalid-event", `field "time"`)),
		send(toldTo, event(1, "component", "state", "pending"), 400, fails("invalid-event", `field "component"`)),
		send(toldTo, event(1, "tofu", "level", "fatal"), 400, fails("invalid-event", `field "level"`)),
	}},
}

var stateRows = []row{
	stateRow("pending", "pending", ""), stateRow("installing", "running", "running"), stateRow("degraded", "running", "running"),
	stateRow("installed", "succeeded", "succeeded"), stateRow("failed", "failed", "failed"),
	{sentence: "an unknown state", steps: []step{send(toldTo, component(1, "x", "ready"), 400, fails("invalid-event", `field "state"`))}},
}

// stateRow shows what a component's state is for clients; execution is "" where there is none.
func stateRow(state, status, execution string) row {
	executions := `[]`
	if execution != "" {
		executions = fmt.Sprintf(`[{"status":%q}]`, execution)
	}
	return row{sentence: state + " is " + status, steps: []step{
		events(component(0, "a", state)),
		snapshot(nodeHas("$d:install-a", fmt.Sprintf(`{"status":%q,"meta":{"state":%q}}`, status, state))),
		ask("GET /api/v1/deployments/$d/jobs/a", 200, has(fmt.Sprintf(`{"job":{"status":%q},"executions":%s}`, status, executions))),
	}}
}

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var deploymentRows = []row{
	{sentence: "PUT creates or updates the record; what is absent stays", steps: []step{
		send("PUT /api/v1/deployments/$d", `{"sovereignFQDN":"one.example.com","provider":"hetzner","regions":["fsn1","hel1"],"meta":{"a":[1]},"later":true}`, 200,
			has(`{"id":"$d","sovereignFQDN":"one.example.com","provider":"hetzner","regions":["fsn1","hel1"],"meta":{"a":[1]},"status":"pending"}`)),
		send("PUT /api/v1/deployments/$d", `{"provider":"aws","regions":null}`, 200,
			has(`{"sovereignFQDN":"one.example.com","provider":"aws","regions":["fsn1","hel1"],"meta":{"a":[1]}}`)),
		ask("GET /api/v1/deployments/$d", 200, has(`{"provider":"aws"}`)),
		send("PUT /api/v1/deployments/$d", `{}`, 200, asBefore), // nothing changed, its time neither
		send("PUT /api/v1/deployments/$d", `{"sovereignFQDN":"","regions":[],"meta":{}}`, 200, hides("one.example.com", "fsn1", `"a"`), has(`{"provider":"aws"}`)),
	}},
	{sentence: "GET of an unknown deployment: 404", steps: []step{
		ask("GET /api/v1/deployments/$d", 404, fails("deployment-not-found")),
	}},
	{sentence: "the first of regions is the primary one", steps: []step{
		registers(`{"regions":["fsn1","hel1"]}`),
		events(component(1, "a", "installed", "region", "fsn1"), component(1, "b", "installed"), component(1, "a", "installed", "region", "hel1")),
		snapshot(shows("bootstrap-kit succeeded", "install-a succeeded", "install-b succeeded", "hel1:bootstrap-kit succeeded", "install-hel1:a succeeded")),
	}},
	{sentence: "GET the list: deployments and next, newest first, ?limit and ?after", steps: []step{
		func(c *exchange) {
			for _, n := range []string{"1", "2", "3"} {
				send("PUT /api/v1/deployments/$d-"+n, `{}`, 200)(c)
			}
			if got, want := c.listedInPages(), []string{c.id + "-3", c.id + "-2", c.id + "-1"}; !slices.Equal(got, want) {
				c.t.Errorf("got %v, want %v", got, want)
			}
		},
		ask("GET /api/v1/deployments?limit=0", 400, fails("invalid-limit")),
		ask("GET /api/v1/deployments?after=x", 400, fails("invalid-after")),
	}},
	{sentence: "a deployment's id: ^[a-z0-9][a-z0-9-]{0,62}$", steps: []step{
		send("PUT /api/v1/deployments/"+strings.Repeat("a", 63), `{}`, 200), ask("DELETE /api/v1/deployments/"+strings.Repeat("a", 63), 204),
		send("PUT /api/v1/deployments/"+strings.Repeat("a", 64), `{}`, 400, fails("invalid-deployment-id")),
		send("PUT /api/v1/deployments/-a", `{}`, 400, fails("invalid-deployment-id")),
		send("PUT /api/v1/deployments/A", `{}`, 400, fails("invalid-deployment-id")),
		send("POST /api/v1/deployments/a%3Ab/provisioner-events", event(0, "tofu-init"), 400, fails("invalid-deployment-id")),
		send("POST /api/v1/deployments/%20/provisioner-events", event(0, "tofu-init"), 400, fails("invalid-deployment-id")), // a blank one poisons a store
		send("POST /api/v1/internal/jobs/import", `{"deploymentId":"","jobs":[],"executions":[]}`, 400, fails("invalid-deployment-id")),
		send("POST /api/v1/internal/jobs/import", `{"deploymentId":" ","jobs":[],"executions":[]}`, 400, fails("invalid-deployment-id")),
	}},
}

// listedInPages reads the whole list, two at a time, and gives the row's own.
func (c *exchange) listedInPages() (ids []string) {
	c.t.Helper()
	for after := ""; ; {
		page := read[struct {
			Deployments []deployment
			Next        string
		}](c.replica, "/api/v1/deployments?limit=2"+after)
		for _, d := range page.Deployments {
			if strings.HasPrefix(d.ID, c.id+"-") {
				ids = append(ids, d.ID)
			}
		}
		if after = "&after=" + page.Next; page.Next == "" {
			return ids
		}
	}
}

// provisioned is a provision whose jobs are in every state a job can be in.
var provisioned = events(
	event(0, "tofu-init"), event(10, "cluster-bootstrap"),
	component(20, "bp-cilium", "installed", "chartVersion", "1.1.1"),
	component(21, "zot", "pending", "dependsOn", "bp-cilium never-seen"),
	component(21, "bao", "pending"),
	component(22, "y", "failed"), component(30, "y", "installing", "message", "again"),
)

const ciliumJob = `{"id":"$d:install-cilium","deploymentId":"$d","jobName":"install-cilium","type":"install","kind":"install","appId":"cilium",
	"parentId":"$d:bootstrap-kit","dependsOn":[],"status":"succeeded","startedAt":"2026-04-01T12:00:20Z","finishedAt":"2026-04-01T12:00:20Z",
	"durationMs":0,"latestExecutionId":"$d:install-cilium:1"}`

var jobRows = []row{
	{sentence: "GET jobs: startedAt descending, not started last, then name", steps: []step{
		provisioned,
		ask("GET /api/v1/deployments/$d/jobs", 200, lists("install-y", "bootstrap-kit", "install-cilium", "cluster-bootstrap", "provisioner", "tofu-init", "install-bao", "install-zot")),
	}},
	{sentence: "Job, of an install", steps: []step{
		provisioned,
		ask("GET /api/v1/deployments/$d/jobs/install-cilium", 200, is(`{"job":`+ciliumJob+`,"executions":[
			{"id":"$d:install-cilium:1","jobId":"$d:install-cilium","deploymentId":"$d","status":"succeeded","startedAt":"2026-04-01T12:00:20Z","finishedAt":"2026-04-01T12:00:20Z","lineCount":0}]}`)),
		ask("GET /api/v1/deployments/$d/jobs/zot", 200, is(`{"job":{"id":"$d:install-zot","deploymentId":"$d","jobName":"install-zot","type":"install","kind":"install","appId":"zot",
			"parentId":"$d:bootstrap-kit","dependsOn":["$d:install-cilium","$d:install-never-seen"],"status":"pending","durationMs":0},"executions":[]}`)),
	}},
	{sentence: "durationMs counts while a job runs", steps: []step{
		provisioned,
		ask("GET /api/v1/deployments/$d/jobs/y", 200, func(c *exchange, a answer) string {
			if j := decode[struct{ Job job }](c.t, a.body).Job; j.Status != "running" || j.DurationMs <= 0 {
				return a.body
			}
			return ""
		}),
	}},
	{sentence: "Job, of a group and of a step", steps: []step{
		provisioned,
		ask("GET /api/v1/deployments/$d/jobs/provisioner", 200, is(`{"job":{"id":"$d:provisioner","deploymentId":"$d","jobName":"provisioner","displayName":"Provision","type":"group","kind":"group",
			"parentId":"","dependsOn":[],"childIds":["$d:tofu-init","$d:cluster-bootstrap"],"status":"succeeded",
			"startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:00:20Z","durationMs":20000},"executions":[]}`)),
		ask("GET /api/v1/deployments/$d/jobs/cluster-bootstrap", 200, has(`{"job":{"displayName":"Bootstrap Cluster","type":"install","kind":"bootstrap",
			"parentId":"$d:provisioner","status":"succeeded","durationMs":10000,"latestExecutionId":"$d:cluster-bootstrap:1"}}`)),
		ask("GET /api/v1/deployments/$d/jobs/bootstrap-kit", 200, has(`{"job":{"dependsOn":["$d:provisioner"],"status":"running",
			"childIds":["$d:install-cilium","$d:install-zot","$d:install-bao","$d:install-y"]}}`), hides("latestExecutionId", "finishedAt")),
	}},
	{sentence: "?status= in any case; unknown 400 invalid-status", steps: []step{
		provisioned,
		ask("GET /api/v1/deployments/$d/jobs?status=pending", 200, lists("install-bao", "install-zot")),
		ask("GET /api/v1/deployments/$d/jobs?status=RUNNING", 200, lists("install-y", "bootstrap-kit")),
		ask("GET /api/v1/deployments/$d/jobs?status=Succeeded", 200, lists("install-cilium", "cluster-bootstrap", "provisioner", "tofu-init")),
		ask("GET /api/v1/deployments/$d/jobs?status=failed", 200, lists(), tells(`"jobs":[]`)),
		ask("GET /api/v1/deployments/$d/jobs?status=running&status=PENDING", 200, lists("install-y", "bootstrap-kit", "install-bao", "install-zot")),
		ask("GET /api/v1/deployments/$d/jobs?status=", 200, lists("install-y", "bootstrap-kit", "install-cilium", "cluster-bootstrap", "provisioner", "tofu-init", "install-bao", "install-zot")),
		ask("GET /api/v1/deployments/$d/jobs?status=done", 400, fails("invalid-status")),
		ask("GET /api/v1/deployments/nobody/jobs?status=done", 400, fails("invalid-status")),
	}},
	{sentence: "jobs of a deployment without any, and of none", steps: []step{
		ask("GET /api/v1/deployments/$d/jobs", 404, fails("deployment-not-found")),
		ask("GET /api/v1/deployments/$d/jobs/tofu-init", 404, fails("job-not-found")),
		registers(`{}`),
		ask("GET /api/v1/deployments/$d/jobs", 200, is(`{"jobs":[]}`)),
		events(event(0, "tofu-init")), ask("DELETE /api/v1/flows/$d", 204),
		ask("GET /api/v1/deployments/$d/jobs?status=running", 200, is(`{"jobs":[]}`)),
	}},
	{sentence: "one job: jobId full or bare; 404 job-not-found", steps: []step{
		provisioned,
		ask("GET /api/v1/deployments/$d/jobs/$d:install-cilium", 200),
		ask("GET /api/v1/deployments/$d/jobs/install-cilium", 200, asBefore),
		ask("GET /api/v1/deployments/$d/jobs/cilium", 200, asBefore),
		ask("GET /api/v1/deployments/$d/jobs/bp-cilium", 200, asBefore),
		ask("GET /api/v1/deployments/$d/jobs/%63ilium", 200, asBefore),
		ask("GET /api/v1/deployments/$d/jobs/bootstrap-kit", 200), ask("GET /api/v1/deployments/$d/jobs/$d%3Abootstrap-kit", 200, has(`{"job":{"id":"$d:bootstrap-kit"}}`)),
		ask("GET /api/v1/deployments/$d/jobs/nobody", 404, fails("job-not-found")),
		ask("GET /api/v1/deployments/$d/jobs/other:install-cilium", 404, fails("job-not-found")), // another's id does not lead out of this one
	}},
	{sentence: "a failed job that starts again is a new execution, newest first; the old one and its lines stay", steps: []step{
		events(component(1, "x", "installing", "message", "first try"), component(5, "x", "failed", "message", "timed out"), component(9, "x", "installing", "message", "second try")),
		ask("GET /api/v1/deployments/$d/jobs/x", 200, has(`{"job":{"startedAt":"2026-04-01T12:00:01Z","latestExecutionId":"$d:install-x:2"},"executions":[
			{"id":"$d:install-x:2","jobId":"$d:install-x","deploymentId":"$d","status":"running","startedAt":"2026-04-01T12:00:09Z","lineCount":1},
			{"id":"$d:install-x:1","status":"failed","startedAt":"2026-04-01T12:00:01Z","finishedAt":"2026-04-01T12:00:05Z","lineCount":2}]}`)),
		ask("GET /api/v1/actions/executions/$d:install-x:1/logs", 200, is(`{"lines":[
			{"lineNumber":1,"timestamp":"2026-04-01T12:00:01Z","level":"info","message":"first try"},
			{"lineNumber":2,"timestamp":"2026-04-01T12:00:05Z","level":"info","message":"timed out"}],"total":2,"executionFinished":true}`)),
	}},
	{sentence: "an emitter's nodes are jobs, whatever their flow is called", steps: []step{
		send("POST /v1/flows/$d:x/events", upsert(node("g", "running"), node("a", "running")), 200),
		send("POST /v1/flows/$d:x/events", upsertRels(rel("a", "g", "contains"), rel("later", "a", "finish-to-start")), 200),
		ask("GET /api/v1/deployments/$d%3Ax/jobs", 200, has(`{"jobs":[{"id":"a","parentId":"g","dependsOn":["later"]},{"id":"g","parentId":"","childIds":["a"]}]}`), hides("latestExecutionId")),
		ask("GET /api/v1/deployments/$d%3Ax/jobs/a", 200, has(`{"job":{"status":"running"},"executions":[]}`)),
	}},
	{sentence: "latestExecutionId is only of an execution that exists", steps: []step{
		events(event(0, "tofu-init"), component(5, "a", "pending"), component(6, "b", "failed"), event(7, "component-log", "component", "c", "message", "m")),
		func(c *exchange) {
			for _, j := range read[struct{ Jobs []job }](c.replica, "/api/v1/deployments/"+c.id+"/jobs").Jobs {
				ran := len(read[struct{ Executions []attempt }](c.replica, "/api/v1/deployments/"+c.id+"/jobs/"+j.ID).Executions) > 0
				if ran != (j.LatestExecutionID != "") {
					c.t.Errorf("%s: execution %q", j.ID, j.LatestExecutionID)
				}
				if ran {
					ask("GET /api/v1/actions/executions/"+j.LatestExecutionID+"/logs", 200)(c)
				}
			}
		},
		ask("GET /api/v1/actions/executions/$d:install-a:1/logs", 404, fails("execution-not-found")),
	}},
}

// written is a step with that many lines.
func written(lines int, then ...string) step {
	all := []string{event(0, "tofu-init")}
	for i := range lines {
		all = append(all, event(float64(i+1)/100, "tofu", "message", fmt.Sprint("m", i+1)))
	}
	return events(append(all, then...)...)
}

// page wants the lines from first to last of a log of 5100; none where last is 0.
func page(first, last int) want {
	return func(c *exchange, a answer) string {
		got := decode[struct {
			Lines []struct {
				LineNumber int
				Message    string
			}
			Total             int
			ExecutionFinished bool
		}](c.t, a.body)
		if want := max(0, last-first+1); len(got.Lines) != want || got.Total != 5100 || got.ExecutionFinished || got.Lines == nil {
			return fmt.Sprintf("%d lines of %d, want %d", len(got.Lines), got.Total, want)
		}
		for i, l := range got.Lines {
			if n := first + i; l.LineNumber != n || l.Message != fmt.Sprint("m", n) {
				return fmt.Sprintf("line %d is %+v", n, l)
			}
		}
		return ""
	}
}

var logRows = []row{
	{sentence: "GET logs: lines count from 1, limit 500 by default, at most 5000, clamped silently", steps: []step{
		written(5100),
		ask(initLog, 200, page(1, 500)),
		ask(initLog+"?fromLine=501", 200, page(501, 1000)),
		ask(initLog+"?fromLine=2&limit=3", 200, page(2, 4)),
		ask(initLog+"?limit=99999", 200, page(1, 5000)),
		ask(initLog+"?limit=99999999999999999999", 200, page(1, 5000)),
		ask(initLog+"?limit=0", 200, page(1, 1)),
		ask(initLog+"?fromLine=-7&limit=2", 200, page(1, 2)),
		ask(initLog+"?fromLine=5101", 200, page(1, 0), tells(`"lines":[]`)),
		ask(initLog+"?fromLine=&limit=", 200, page(1, 500)),
		ask(initLog+"?limit=1.5", 400, fails("invalid-number")),
		ask(initLog+"?fromLine=x", 400, fails("invalid-number")),
	}},
	{sentence: "GET logs: executionFinished; 404 execution-not-found", steps: []step{
		written(1), ask(initLog, 200, has(`{"total":1,"executionFinished":false}`)),
		events(event(9, "tofu-plan")), ask(initLog, 200, has(`{"total":1,"executionFinished":true}`)),
		ask("GET /api/v1/actions/executions/$d:tofu-init:2/logs", 404, fails("execution-not-found")),
		ask("GET /api/v1/actions/executions/$d:tofu-init:2/logs/stream", 404, fails("execution-not-found")),
	}},
	{sentence: "logs/stream: event line with its number as id, following the end; event end when the execution is finished", steps: []step{
		written(2),
		func(c *exchange) { c.stream = c.logOf(c.id, "", "") },
		lines(1, 2),
		events(event(0.03, "tofu", "message", "m3")), lines(3, 3),
		events(event(9, "tofu-plan")),
		func(c *exchange) { c.stream.end() },
	}},
	{sentence: "logs/stream resumes by Last-Event-ID and ?fromLine", steps: []step{
		written(4, event(9, "tofu-plan")),
		func(c *exchange) { c.stream = c.logOf(c.id, "", "2") }, lines(3, 4), func(c *exchange) { c.stream.end() },
		func(c *exchange) { c.stream = c.logOf(c.id, "?fromLine=4", "") }, lines(4, 4), func(c *exchange) { c.stream.end() },
		func(c *exchange) { c.stream = c.logOf(c.id, "?lastEventId=3", "") }, lines(4, 4), func(c *exchange) { c.stream.end() },
		func(c *exchange) { c.stream = c.logOf(c.id, "", "4") }, func(c *exchange) { c.stream.end() },
	}},
}

// lines are the next events of the open log.
func lines(first, last int) step {
	return func(c *exchange) { c.stream.lines(first, last) }
}

// job is what a client reads of a job.
type job struct {
	ID, JobName, Status, ParentID, LatestExecutionID string
	DependsOn, ChildIDs                              []string
	DurationMs                                       int64
}

type attempt struct {
	ID, JobID, DeploymentID, Status, StartedAt, FinishedAt string
	LineCount                                              int64
}

// read gives the body of a 200.
func read[T any](r *replica, path string) T {
	r.t.Helper()
	a := r.get(path)
	if a.status != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	return decode[T](r.t, a.body)
}

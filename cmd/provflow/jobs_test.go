package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

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

func (r *replica) jobs(query string) []job {
	r.t.Helper()
	return read[struct{ Jobs []job }](r, "/api/v1/deployments/d1/jobs"+query).Jobs
}

func (r *replica) attempts(jobID string) []attempt {
	r.t.Helper()
	return read[struct{ Executions []attempt }](r, "/api/v1/deployments/d1/jobs/"+jobID).Executions
}

func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil || fmt.Sprint(g) != fmt.Sprint(w) {
		t.Errorf("got %s", pretty(got))
	}
}

func TestJobsOfTheContract(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1",
		event(0, "tofu-init"), event(10, "cluster-bootstrap"),
		component(20, "bp-cilium", "installed", "chartVersion", "1.1.1"),
		component(21, "zot", "pending", "dependsOn", "bp-cilium never-seen"),
		component(21, "bao", "pending"),
	)
	kit := `{"id":"d1:bootstrap-kit","deploymentId":"d1","jobName":"bootstrap-kit","displayName":"Bootstrap","type":"group","kind":"group",
	  "parentId":"","dependsOn":["d1:provisioner"],"childIds":["d1:install-cilium","d1:install-zot","d1:install-bao"],
	  "status":"running","startedAt":"2026-04-01T12:00:20Z","durationMs":%d}`
	cilium := `{"id":"d1:install-cilium","deploymentId":"d1","jobName":"install-cilium","type":"install","kind":"install","appId":"cilium",
	  "parentId":"d1:bootstrap-kit","dependsOn":[],"status":"succeeded","startedAt":"2026-04-01T12:00:20Z","finishedAt":"2026-04-01T12:00:20Z",
	  "durationMs":0,"latestExecutionId":"d1:install-cilium:1"}`
	zot := `{"id":"d1:install-zot","deploymentId":"d1","jobName":"install-zot","type":"install","kind":"install","appId":"zot",
	  "parentId":"d1:bootstrap-kit","dependsOn":["d1:install-cilium","d1:install-never-seen"],"status":"pending","durationMs":0}`
	all := r.get("/api/v1/deployments/d1/jobs")
	running := decode[struct{ Jobs []job }](t, all.body).Jobs[0].DurationMs
	if running < 1_000_000 {
		t.Errorf("the group has been running for %d ms", running)
	}
	sameJSON(t, all.body, `{"jobs":[`+fmt.Sprintf(kit, running)+`,`+cilium+`,
	 {"id":"d1:cluster-bootstrap","deploymentId":"d1","jobName":"cluster-bootstrap","displayName":"Bootstrap Cluster","type":"install","kind":"bootstrap",
	  "parentId":"d1:provisioner","dependsOn":[],"status":"succeeded","startedAt":"2026-04-01T12:00:10Z","finishedAt":"2026-04-01T12:00:20Z",
	  "durationMs":10000,"latestExecutionId":"d1:cluster-bootstrap:1"},
	 {"id":"d1:provisioner","deploymentId":"d1","jobName":"provisioner","displayName":"Provision","type":"group","kind":"group",
	  "parentId":"","dependsOn":[],"childIds":["d1:tofu-init","d1:cluster-bootstrap"],"status":"succeeded",
	  "startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:00:20Z","durationMs":20000},
	 {"id":"d1:tofu-init","deploymentId":"d1","jobName":"tofu-init","displayName":"Terraform Init","type":"install","kind":"tofu",
	  "parentId":"d1:provisioner","dependsOn":[],"status":"succeeded","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:00:10Z",
	  "durationMs":10000,"latestExecutionId":"d1:tofu-init:1"},
	 {"id":"d1:install-bao","deploymentId":"d1","jobName":"install-bao","type":"install","kind":"install","appId":"bao",
	  "parentId":"d1:bootstrap-kit","dependsOn":[],"status":"pending","durationMs":0},`+zot+`]}`)

	sameJSON(t, r.get("/sovereign/api/v1/deployments/d1/jobs/cilium").body, `{"job":`+cilium+`,"executions":[
	 {"id":"d1:install-cilium:1","jobId":"d1:install-cilium","deploymentId":"d1","status":"succeeded",
	  "startedAt":"2026-04-01T12:00:20Z","finishedAt":"2026-04-01T12:00:20Z","lineCount":0}]}`)
	sameJSON(t, r.get("/api/v1/deployments/d1/jobs/zot").body, `{"job":`+zot+`,"executions":[]}`)
}

func TestJobsByStatus(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("empty", "")
	r.post("gone", event(0, "tofu-init"))
	r.do("DELETE", "/api/v1/flows/gone", "")
	r.post("d1", component(1, "a", "failed"), component(2, "b", "installing"), component(3, "c", "pending"), component(4, "d", "installed"))
	for query, want := range map[string]string{
		"?status=pending":               "install-c",
		"?status=RUNNING":               "install-b",
		"?status=Succeeded":             "install-d",
		"?status=failed":                "bootstrap-kit install-a",
		"?status=":                      "install-d install-b bootstrap-kit install-a install-c",
		"?status=running&status=FAILED": "install-b bootstrap-kit install-a",
	} {
		var names []string
		for _, j := range r.jobs(query) {
			names = append(names, j.JobName)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for path, want := range map[string]answer{
		"empty/jobs":             {status: 200, body: `{"jobs":[]}`},
		"empty/jobs?status=":     {status: 200, body: `{"jobs":[]}`},
		"gone/jobs":              {status: 200, body: `{"jobs":[]}`}, // the record stays
		"d1/jobs?status=done":    {status: 400, body: `"error":"invalid-status"`},
		"nobody/jobs":            {status: 404, body: `"error":"deployment-not-found"`},
		"nobody/jobs?status=xyz": {status: 400, body: `"error":"invalid-status"`},
		"d1/jobs/nobody":         {status: 404, body: `"error":"job-not-found"`},
		"nobody/jobs/tofu-init":  {status: 404, body: `"error":"job-not-found"`},
		"d1/jobs/%00":            {status: 400, body: `"error":"invalid-id"`},
	} {
		if a := r.get("/api/v1/deployments/" + path); a.status != want.status || !strings.Contains(a.body, want.body) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestAJobIsFoundByEverySpellingOfItsID(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.putDeployment("d1", `{"regions":["fsn1","hel1"]}`)
	r.post("d1", event(0, "tofu-init"), component(1, "cilium", "installed"), component(2, "cilium", "installed", "region", "hel1"))
	for id, spellings := range map[string][]string{
		"d1:tofu-init":           {"d1:tofu-init", "tofu-init"},
		"d1:provisioner":         {"d1:provisioner", "provisioner"},
		"d1:install-cilium":      {"d1:install-cilium", "install-cilium", "cilium", "bp-cilium", "d1:fsn1:install-cilium", "fsn1:install-cilium"},
		"d1:install-hel1:cilium": {"d1:install-hel1:cilium", "install-hel1:cilium", "d1:hel1:install-cilium", "hel1:install-cilium"},
		"d1:hel1:bootstrap-kit":  {"d1:hel1:bootstrap-kit", "hel1:bootstrap-kit"},
	} {
		for _, s := range spellings {
			for _, spelling := range []string{s, url.PathEscape(s), strings.ReplaceAll(s, ":", "%3A")} {
				got := read[struct{ Job job }](r, "/api/v1/deployments/d1/jobs/"+spelling).Job
				if got.ID != id {
					t.Errorf("%s: %s, want %s", spelling, got.ID, id)
				}
			}
		}
	}
	// Another deployment's id does not lead out of this one.
	r.post("d2", event(0, "tofu-init"))
	if a := r.get("/api/v1/deployments/d1/jobs/d2:tofu-init"); a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// A failed job that starts again is a new execution; the old one and its lines stay.
func TestARetryIsANewExecution(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1",
		component(1, "x", "installing", "message", "first try"), component(5, "x", "failed", "message", "timed out"),
		component(9, "x", "installing", "message", "second try"))
	got := fmt.Sprint(r.attempts("x"))
	want := fmt.Sprint([]attempt{
		{"d1:install-x:2", "d1:install-x", "d1", "running", "2026-04-01T12:00:09Z", "", 1},
		{"d1:install-x:1", "d1:install-x", "d1", "failed", "2026-04-01T12:00:01Z", "2026-04-01T12:00:05Z", 2},
	})
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for id, want := range map[string]string{
		"d1:install-x:1": `{"lines":[
		  {"lineNumber":1,"timestamp":"2026-04-01T12:00:01Z","level":"info","message":"first try"},
		  {"lineNumber":2,"timestamp":"2026-04-01T12:00:05Z","level":"info","message":"timed out"}],"total":2,"executionFinished":true}`,
		"d1:install-x:2": `{"lines":[
		  {"lineNumber":1,"timestamp":"2026-04-01T12:00:09Z","level":"info","message":"second try"}],"total":1,"executionFinished":false}`,
	} {
		sameJSON(t, r.get("/api/v1/actions/executions/"+id+"/logs").body, want)
	}
}

// Every execution id that is given leads to a log, and none is given that does not.
func TestNoExecutionIsInvented(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", event(0, "tofu-init"), component(5, "a", "pending"), component(6, "b", "failed"),
		event(7, "component-log", "component", "c", "message", "looking at it"))
	for _, j := range r.jobs("") {
		ran := len(r.attempts(j.ID)) > 0
		if ran != (j.LatestExecutionID != "") {
			t.Errorf("%s: execution %q", j.ID, j.LatestExecutionID)
		}
		if !ran {
			continue
		}
		if a := r.get("/api/v1/actions/executions/" + url.PathEscape(j.LatestExecutionID) + "/logs"); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", j.LatestExecutionID, a.status, a.body)
		}
	}
	if a := r.get("/api/v1/actions/executions/d1:install-a:1/logs"); a.status != 404 || !strings.Contains(a.body, `"execution-not-found"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// What an emitter wrote is listed as well, whatever its flow is called.
func TestAnEmittersNodesAreJobs(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.emit("kube:x", "e", upsert(node("g", "running"), node("a", "running")))
	r.emit("kube:x", "e", upsertRels(rel("a", "g", "contains"), rel("later", "a", "finish-to-start")))
	jobs := read[struct{ Jobs []job }](r, "/api/v1/deployments/kube%3Ax/jobs").Jobs
	got := ""
	for _, j := range jobs {
		got += fmt.Sprintf("%s in %q after %v with %v, execution %q; ", j.ID, j.ParentID, j.DependsOn, j.ChildIDs, j.LatestExecutionID)
	}
	want := `a in "g" after [later] with [], execution ""; g in "" after [] with [a], execution ""; `
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if j := read[struct{ Job job }](r, "/api/v1/deployments/kube:x/jobs/a").Job; j.Status != "running" {
		t.Errorf("got %+v", j)
	}
}

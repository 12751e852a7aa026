package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// What is recorded of a stream is what anybody may post: the same as plain events, one at a
// time, gives the same flow, jobs, attempts and lines.
func TestARecordedStreamIsWhatPlainEventsAre(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	events, err := os.ReadFile("testdata/apply-fail.events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(events)) {
		r.post("posted", line)
	}
	env := []string{"PROVFLOW_SERVER=" + r.url, "PROVFLOW_SPOOL=" + t.TempDir()}
	run(t, env, "record", "--deployment", "recorded", "--from", "../../service/tofu/testdata/apply-fail.jsonl").want(t, 0)
	posted, recorded := r.everything("posted"), r.everything("recorded")
	if posted != recorded || strings.Count(posted, "lineNumber") < 40 {
		t.Errorf("posted:\n%s\nrecorded:\n%s", posted, recorded)
	}
}

// everything is all that can be read of a deployment, whatever it is called.
func (r *replica) everything(id string) string {
	r.t.Helper()
	var all strings.Builder
	read := func(path string, into any) {
		r.t.Helper()
		body := strings.ReplaceAll(r.get(path).body, id, "it")
		all.WriteString(path[strings.LastIndex(path, "/"):] + ": " + body + "\n")
		if err := json.Unmarshal([]byte(body), into); err != nil {
			r.t.Fatal(err)
		}
	}
	var list struct{ Jobs []struct{ JobName string } }
	read("/api/v1/flows/"+id+"/snapshot", &struct{}{})
	read("/api/v1/deployments/"+id+"/jobs", &list)
	for _, j := range list.Jobs {
		var one struct{ Executions []struct{ ID string } }
		read("/api/v1/deployments/"+id+"/jobs/"+strings.ReplaceAll(j.JobName, "/", "%2F"), &one)
		for _, x := range one.Executions {
			read("/api/v1/actions/executions/"+strings.ReplaceAll(strings.Replace(x.ID, "it:", id+":", 1), "/", "%2F")+"/logs?limit=5000", &struct{}{})
		}
	}
	return all.String()
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openova-io/provflow/cmd/provflow/move"
	"github.com/openova-io/provflow/cmd/provflow/remote"
	"github.com/openova-io/provflow/db/dbtest"
)

// An archive read into another database gives the same state, whole history and all, and
// read again changes nothing; the provision then goes on where it was.
func TestAnArchiveReadsBackToTheSameState(t *testing.T) {
	t.Parallel()
	from, to := dbtest.New(t), dbtest.New(t)
	there, here := start(t, from), start(t, to)
	there.do(http.MethodPut, "/api/v1/deployments/d1", `{"provider":"hetzner","regions":["fsn1","hel1"],"meta":{"a":1}}`)
	there.post("d1",
		event(0, "tofu-init"), event(1, "tofu", "message", "a"), event(9, "cluster-bootstrap"),
		component(20, "cilium", "failed", "chartVersion", "1"), component(25, "cilium", "installing"),
		event(26, "component-log", "component", "cilium", "message", "b"),
		component(30, "x", "pending", "dependsOn", "cilium nowhere"), component(31, "x", "installed", "region", "hel1"),
	)
	there.emit("d1", "flux", upsert(node("mine", "running", `,"meta":{"k":"v"}`)))
	archive := filepath.Join(t.TempDir(), "d1.ndjson")
	export(t, there, "d1", archive)
	const history = `SELECT (SELECT string_agg(concat_ws('|', execution_id, status, started_at, finished_at, line_count), ',' ORDER BY execution_id) FROM executions)
		|| (SELECT string_agg(concat_ws('|', execution_id, line_number, at, message), ',' ORDER BY execution_id, line_number) FROM log_lines)
		|| (SELECT string_agg(concat_ws('|', job_id, from_status, to_status, occurred_at, cause), ',' ORDER BY seq) FROM transitions)`
	want, wantHistory := there.snapshot("d1").String(), query[string](t, from, history)
	for range 2 {
		if err := (move.Client{Client: remote.Client{Server: here.url}, Status: io.Discard}).Import(t.Context(), archive); err != nil {
			t.Fatal(err)
		}
		if got := here.snapshot("d1").String(); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		if got := query[string](t, to, history); got != wantHistory {
			t.Fatalf("history\ngot  %s\nwant %s", got, wantHistory)
		}
	}
	for _, r := range []*replica{there, here} {
		r.post("d1", component(40, "cilium", "installed"))
	}
	if got, want := query[string](t, to, history), query[string](t, from, history); got != want {
		t.Errorf("it does not go on where it was:\ngot  %s\nwant %s", got, want)
	}
}

func export(t *testing.T, r *replica, deployment, path string) {
	t.Helper()
	var out bytes.Buffer
	if err := (move.Client{Client: remote.Client{Server: r.url}, Status: io.Discard}).Export(t.Context(), deployment, &out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The older store's folder, as it left it: bare names, an old word for the parent, a group
// at its placeholder status, a log cut in its last line.
func TestTheOlderStoresFolderMovesIn(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	dir := filepath.Join(t.TempDir(), "prov-7")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("index.json", `{"deploymentId":"prov-7","jobs":[
		{"id":"prov-7:bootstrap-kit","jobName":"bootstrap-kit","type":"group","status":"pending","dependsOn":[]},
		{"id":"prov-7:install-cilium","jobName":"install-cilium","appId":"cilium","batchId":"bootstrap-kit","dependsOn":[],"status":"succeeded",
		 "startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:01:00Z","latestExecutionId":"e2"},
		{"id":"prov-7:hel1:install-x","jobName":"install-x","appId":"x","region":"hel1","parentId":"prov-7:hel1:bootstrap-kit","dependsOn":["cilium","y"],"status":"running","startedAt":"2026-04-01T12:02:00Z"},
		{"id":"prov-7:cutover-dns","jobName":"cutover-dns","parentId":"cutover","dependsOn":["install-cilium"],"status":"pending"}],
		"executions":[
		{"id":"e2","jobId":"prov-7:install-cilium","deploymentId":"prov-7","status":"succeeded","startedAt":"2026-04-01T12:00:30Z","finishedAt":"2026-04-01T12:01:00Z"},
		{"id":"e1","jobId":"prov-7:install-cilium","deploymentId":"prov-7","status":"failed","startedAt":"2026-04-01T12:00:00Z","finishedAt":"2026-04-01T12:00:10Z"}]}`)
	write("e2.log", `{"lineNumber":1,"timestamp":"2026-04-01T12:00:31Z","level":"INFO","message":"one"}
{"lineNumber":2,"timestamp":"2026-04-01T12:00:32Z","level":"INFO","message":"two"}
{"lineNumber":3,"timesta`)
	var versions []string
	for range 2 {
		if err := (move.Client{Client: remote.Client{Server: r.url}, Status: io.Discard}).Import(t.Context(), filepath.Dir(dir)); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, r.snapshot("prov-7").Cursor+query[string](t, dsn, `SELECT count(*)::text FROM log_lines`))
	}
	if versions[0] != versions[1] || !strings.HasSuffix(versions[0], "2") {
		t.Errorf("a second run changed something: %v", versions)
	}
	got := r.snapshot("prov-7")
	for id, status := range map[string]string{
		"prov-7:install-cilium": "succeeded", "prov-7:install-hel1:x": "running", "prov-7:hel1:bootstrap-kit": "running",
		"prov-7:bootstrap-kit": "running", "prov-7:cutover": "pending", "prov-7:cutover-dns": "pending",
	} {
		if got.status(id) != status {
			t.Errorf("%s is %q, want %q", id, got.status(id), status)
		}
	}
	old := `{"deploymentId":"prov-7","jobs":[{"id":"prov-7:install-cilium","jobName":"install-cilium","status":"running"}],"executions":[]}`
	if a := r.do(http.MethodPost, "/api/v1/internal/jobs/import", old); a.status != http.StatusOK || r.snapshot("prov-7").status("prov-7:install-cilium") != "succeeded" {
		t.Errorf("a terminal job went back: %d %s", a.status, a.body)
	}
	var page struct{ Lines []struct{ Message string } }
	if err := json.Unmarshal([]byte(r.get("/api/v1/actions/executions/e2/logs").body), &page); err != nil || fmt.Sprint(page.Lines) != "[{one} {two}]" {
		t.Errorf("lines %v, %v", page, err)
	}
}

func TestBadArchives(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	header := `{"provflow":{"format":1,"flowId":"d1","records":1}}` + "\n"
	for name, body := range map[string]string{
		"no header":        `{"line":{"executionId":"a","number":1,"at":"2026-04-01T12:00:00Z"}}`,
		"a later format":   `{"provflow":{"format":9,"flowId":"d1"}}`,
		"two kinds":        header + `{"job":{"id":"a","status":"pending"},"flow":{"id":"d1","status":"pending"}}`,
		"an ended job":     header + `{"job":{"id":"a","status":"failed"}}`,
		"an execution":     header + `{"execution":{"id":"a","jobId":"b","attempt":0,"status":"running"}}`,
		"a relationship":   header + `{"relationship":{"fromId":"a","toId":"a","type":"contains"}}`,
		"not JSON":         header + `{`,
		"a time before us": header + `{"line":{"executionId":"a","number":1}}`,
	} {
		a := r.do(http.MethodPost, "/api/v1/internal/jobs/import", body, "Content-Type", "application/x-ndjson")
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"detail"`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := r.get("/api/v1/deployments/nobody/export"); a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openova-io/provflow/cmd/provflow/move"
	"github.com/openova-io/provflow/cmd/provflow/remote"
	"github.com/openova-io/provflow/db/dbtest"
)

// everything is all that is stored of a flow, history and log lines too.
const everything = `SELECT concat(
	(SELECT string_agg(f::text, E'\n' ORDER BY flow_id) FROM flows f), E'\n',
	(SELECT string_agg(j::text, E'\n' ORDER BY flow_id, job_id) FROM jobs j), E'\n',
	(SELECT string_agg(r::text, E'\n' ORDER BY flow_id, from_id, to_id, type) FROM relationships r), E'\n',
	(SELECT string_agg(b::text, E'\n' ORDER BY flow_id, job_id) FROM bridge_cursors b), E'\n',
	(SELECT string_agg(x::text, E'\n' ORDER BY flow_id, execution_id) FROM executions x), E'\n',
	(SELECT string_agg(t::text, E'\n' ORDER BY flow_id, seq) FROM transitions t), E'\n',
	(SELECT string_agg(l::text, E'\n' ORDER BY flow_id, execution_id, line_number) FROM log_lines l))`

func moved(r *replica) {
	r.post("d1",
		event(0, "tofu-init", "message", "begins"), event(0, "tofu-init", "message", "begins"), event(1, "tofu", "message", "a"),
		event(9, "cluster-bootstrap"),
		component(20, "cilium", "failed", "chartVersion", "1"), component(25, "cilium", "installing"),
		component(26, "cilium", "installing"), component(26, "cilium", "installing"), // noted twice at one time
		event(26, "component-log", "component", "cilium", "message", "b"),
		component(30, "x", "pending", "dependsOn", "cilium nowhere"),
	)
	r.emit("d1", "flux", upsert(node("mine", "running", `,"meta":{"k":"<v>"}`)))
}

func attemptsOf(r *replica, jobID string) []attempt {
	return read[struct{ Executions []attempt }](r, "/api/v1/deployments/d1/jobs/"+jobID).Executions
}

func TestAnArchiveReadByTheServerItCameFromChangesNothing(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	moved(r)
	archive := filepath.Join(t.TempDir(), "d1.ndjson")
	export(t, r, "d1", archive)
	before := query[string](t, dsn, everything)
	for range 2 {
		if err := (move.Client{Client: remote.Client{Server: r.url}, Status: io.Discard}).Import(t.Context(), archive); err != nil {
			t.Fatal(err)
		}
		if after := query[string](t, dsn, everything); after != before {
			t.Fatalf("before\n%s\nafter\n%s", before, after)
		}
	}
	// What has happened since is newer than the archive.
	r.post("d1", component(30, "cilium", "installed"), component(31, "x", "pending", "dependsOn", ""), component(40, "y", "installing"))
	r.emit("d1", "flux", upsert(node("mine", "failed")))
	before = query[string](t, dsn, everything)
	if err := (move.Client{Client: remote.Client{Server: r.url}, Status: io.Discard}).Import(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	if after := query[string](t, dsn, everything); after != before {
		t.Errorf("an older archive:\nbefore\n%s\nafter\n%s", before, after)
	}
}

// A newer archive carries on where an older one, or what was heard here, has stopped.
func TestANewerArchiveGoesBeyondWhatIsHere(t *testing.T) {
	t.Parallel()
	from, to := dbtest.New(t), dbtest.New(t)
	there, here := start(t, from), start(t, to)
	moved(there)
	dir := t.TempDir()
	export(t, there, "d1", filepath.Join(dir, "old"))
	there.post("d1", event(27, "component-log", "component", "cilium", "message", "c"), component(30, "cilium", "installed"),
		component(40, "cilium", "installing", "chartVersion", "2"))
	export(t, there, "d1", filepath.Join(dir, "new"))
	for _, name := range []string{"old", "new", "old"} {
		if err := (move.Client{Client: remote.Client{Server: here.url}, Status: io.Discard}).Import(t.Context(), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := fmt.Sprint(attemptsOf(here, "install-cilium")), fmt.Sprint(attemptsOf(there, "install-cilium")); got != want {
		t.Errorf("attempts\ngot  %s\nwant %s", got, want)
	}
	if got := here.snapshot("d1").status("d1:install-cilium"); got != "running" {
		t.Errorf("the job is %s", got)
	}
	const logs = `SELECT string_agg(concat_ws('|', execution_id, line_number, at, message), ',' ORDER BY execution_id, line_number) FROM log_lines`
	if got, want := query[string](t, to, logs), query[string](t, from, logs); got != want {
		t.Errorf("lines\ngot  %s\nwant %s", got, want)
	}
}

// An archive that ends where a line does, before its header's number of records, is not
// taken for a whole one.
func TestAnArchiveCutAtALinesEndIsRefused(t *testing.T) {
	t.Parallel()
	there, here := start(t, dbtest.New(t)), start(t, dbtest.New(t))
	moved(there)
	var whole bytes.Buffer
	if err := (move.Client{Client: remote.Client{Server: there.url}, Status: io.Discard}).Export(t.Context(), "d1", &whole); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(whole.String(), "\n"), "\n")
	send := func(text string) answer {
		return here.do(http.MethodPost, "/api/v1/internal/jobs/import", text, "Content-Type", "application/x-ndjson")
	}
	for _, n := range []int{1, 2, len(lines) - 1} {
		a := send(strings.Join(lines[:n], ""))
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"archive-cut-off"`) || !strings.Contains(a.body, fmt.Sprintf("%d records and %d came", len(lines)-1, n-1)) {
			t.Errorf("%d of %d lines: %d %s", n, len(lines), a.status, a.body)
		}
	}
	if a := send(""); a.status != http.StatusBadRequest {
		t.Errorf("an empty archive: %d %s", a.status, a.body)
	}
	if a := send(whole.String() + lines[len(lines)-1]); a.status != http.StatusBadRequest {
		t.Errorf("more than the header says: %d %s", a.status, a.body)
	}
	if a := send(whole.String()); a.status != http.StatusOK || here.snapshot("d1").String() != there.snapshot("d1").String() {
		t.Errorf("the whole of it afterwards: %d %s", a.status, a.body)
	}
}

// A deployment without a flow stays one.
func TestARecordAloneMakesNoFlow(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	archive := `{"provflow":{"format":1,"flowId":"d9","records":1}}` + "\n" + `{"deployment":{"id":"d9","provider":"aws"}}`
	a := r.do(http.MethodPost, "/api/v1/internal/jobs/import", archive, "Content-Type", "application/x-ndjson")
	if got := r.get("/api/v1/deployments/d9/export").body; a.status != http.StatusOK || !strings.Contains(got, `"records":1`) {
		t.Errorf("%d %s, then %s", a.status, a.body, got)
	}
}

// An index may be older than what was heard here: it ends no job that runs, and moves no
// end. One that is newer does.
func TestAnOlderIndexChangesNothingNewer(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1",
		component(60, "open", "installing", "dependsOn", ""), component(60, "done", "installing"), component(90, "done", "installed"))
	r.emit("d1", "flux", upsert(node("mine", "running")))
	index := func(status, started, finished string, more ...string) string {
		var jobs []string
		for _, id := range []string{"d1:install-open", "d1:install-done", "mine"} {
			jobs = append(jobs, fmt.Sprintf(`{"id":%q,"jobName":"x","status":%q,"startedAt":"2026-04-01T%sZ","finishedAt":"2026-04-01T%sZ","dependsOn":["install-gone"]%s}`,
				id, status, started, finished, strings.Join(more, "")))
		}
		return `{"deploymentId":"d1","jobs":[` + strings.Join(jobs, ",") + `],"executions":[]}`
	}
	send := func(body string) {
		t.Helper()
		if a := r.do(http.MethodPost, "/api/v1/internal/jobs/import", body); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	before := attemptsOf(r, "install-open")
	send(index("succeeded", "11:00:00", "11:30:00"))
	send(index("failed", "12:00:00", "12:00:30"))
	got := r.snapshot("d1")
	for id, want := range map[string]string{"d1:install-open": "running", "d1:install-done": "succeeded", "mine": "running"} {
		if got.status(id) != want {
			t.Errorf("%s is %q, want %q", id, got.status(id), want)
		}
	}
	if after := attemptsOf(r, "install-open"); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("attempts %v, then %v", before, after)
	}
	if j := r.get("/api/v1/deployments/d1/jobs/install-open").body; !strings.Contains(j, `"dependsOn":[]`) {
		t.Errorf("dependencies that were cleared are back: %s", j)
	}
	send(index("failed", "12:02:00", "12:05:00"))
	if got := r.snapshot("d1").status("d1:install-open"); got != "failed" {
		t.Errorf("a newer index: %s", got)
	}
	if open := query[int](t, dsn, `SELECT count(*)::int FROM executions WHERE status = 'running'`); open != 0 {
		t.Errorf("%d executions are open of jobs that have ended", open)
	}
}

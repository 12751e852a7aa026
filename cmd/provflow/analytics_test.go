package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/timeline/form"
)

// kitRun is two steps and a kit: cilium, then keycloak, which fails and is tried again,
// then gitea; loki beside them. It ends after 300 seconds.
func kitRun(offset float64) []string {
	at := func(s float64) float64 { return offset + s }
	return []string{
		event(at(0), "tofu-init"), event(at(20), "tofu-apply"), event(at(100), "cluster-bootstrap"),
		component(at(120), "cilium", "installing", "dependsOn", ""),
		component(at(121), "keycloak", "pending", "dependsOn", "cilium"),
		component(at(121), "gitea", "pending", "dependsOn", "keycloak"),
		component(at(121), "loki", "pending", "dependsOn", "cilium"),
		component(at(150), "cilium", "installed"),
		component(at(150), "keycloak", "installing"), component(at(155), "loki", "installing"),
		component(at(200), "keycloak", "failed", "message", "context deadline exceeded"), component(at(205), "loki", "installed"),
		component(at(220), "keycloak", "installing"), component(at(260), "keycloak", "installed"),
		component(at(260), "gitea", "installing"), component(at(300), "gitea", "installed"),
	}
}

func (r *replica) json(path string, into any) {
	r.t.Helper()
	a := r.get(path)
	if a.status != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		r.t.Fatalf("%s: %v in %s", path, err, a.body)
	}
}

func (r *replica) table(path string) [][]string {
	r.t.Helper()
	a := r.get(path, "Accept", "text/csv")
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		r.t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	records, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil {
		r.t.Fatal(err)
	}
	return records
}

func TestATimelineWithARetry(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", kitRun(0)...)
	for _, id := range []string{"d1", "%641"} {
		var got form.Timeline
		r.json("/sovereign/api/v1/flows/"+id+"/timeline", &got)
		p := got.Provision
		if p.FlowID != "d1" || p.Outcome != "succeeded" || p.TookMs != 300_000 || p.Jobs != 7 || p.Attempts != 8 || p.Retries != 1 || p.PathRanMs+p.PathIdleMs != 300_000 || p.JobsSucceeded != 7 {
			t.Errorf("%+v", p)
		}
		if p.FirstFailedJobID != "d1:install-keycloak" || !p.FirstFailedAt.Equal(noon.Add(200*time.Second)) || p.PhasesMs["bootstrap-kit"] != 180_000 {
			t.Errorf("%+v", p)
		}
		var rows []string
		for _, row := range got.Rows[3:] { // without the steps
			rows = append(rows, fmt.Sprintf("%s %d %s ran %d waited %d for %s critical %v", row.Name, row.Attempt, row.Status, row.RanMs/1000, row.WaitedMs/1000, row.BlockerJobID, row.Critical))
		}
		want := []string{
			"install-cilium 1 succeeded ran 30 waited 0 for d1:cluster-bootstrap critical true",
			"install-keycloak 1 failed ran 50 waited 29 for d1:install-cilium critical true",
			"install-loki 1 succeeded ran 50 waited 34 for d1:install-cilium critical false",
			"install-keycloak 2 succeeded ran 40 waited 20 for d1:install-keycloak critical true",
			"install-gitea 1 succeeded ran 40 waited 139 for d1:install-keycloak critical true",
		}
		if strings.Join(rows, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s", strings.Join(rows, "\n"))
		}
	}
	if csv := r.table("/api/v1/flows/d1/timeline"); len(csv) != 9 || csv[0][0] != "jobId" || csv[5][0] != "d1:install-keycloak" {
		t.Errorf("%q", csv)
	}
}

func TestTheCriticalPath(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", kitRun(0)...)
	var path form.Path
	r.json("/api/v1/flows/d1/critical-path", &path)
	var names []string
	for i, s := range path.Segments {
		names = append(names, fmt.Sprintf("%s/%d", s.Name, s.Attempt))
		if s.Step != i+1 {
			t.Errorf("step %d is %d", i+1, s.Step)
		}
	}
	want := "cluster-bootstrap/1 install-cilium/1 install-keycloak/1 install-keycloak/2 install-gitea/1"
	if !strings.HasSuffix(strings.Join(names, " "), want) || path.RanMs+path.IdleMs != 300_000 {
		t.Errorf("%v, ran %d, idle %d", names, path.RanMs, path.IdleMs)
	}
	last := path.Segments[len(path.Segments)-2] // the second try, after 20 s in which nothing ran
	if last.RanMs != 40_000 || last.IdleMs != 20_000 || last.Status != "succeeded" {
		t.Errorf("%+v", last)
	}
}

func TestADiagnosis(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", kitRun(0)[:12]...) // keycloak has failed, gitea waits for it
	var d form.Diagnosis
	r.json("/api/v1/flows/d1/diagnosis", &d)
	if len(d.Roots) != 1 || d.Roots[0].JobID != "d1:install-keycloak" || d.Roots[0].Reason != "context deadline exceeded" || d.Roots[0].Stops != 1 {
		t.Errorf("roots %+v", d.Roots)
	}
	if len(d.Stopped) != 1 || d.Stopped[0].JobID != "d1:install-gitea" || !d.Stopped[0].Only {
		t.Errorf("stopped %+v", d.Stopped)
	}
	if csv := r.table("/api/v1/flows/d1/diagnosis"); len(csv) != 3 || csv[1][0] != "root" || csv[2][0] != "stopped" {
		t.Errorf("%q", csv)
	}
}

func TestAFlowThatStillRuns(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", kitRun(0)[:9]...)
	var got form.Timeline
	r.json("/api/v1/flows/d1/timeline", &got)
	open, waits := got.Rows[len(got.Rows)-3], got.Rows[len(got.Rows)-1]
	if got.Provision.Outcome != "running" || open.Status != "running" || open.EndedAt != nil || open.RanMs < 1000 || waits.Attempt != 0 || waits.StartedAt != nil {
		t.Errorf("%+v\n%+v\n%+v", got.Provision, open, waits)
	}
	svg := r.get("/api/v1/flows/d1/timeline.svg")
	if svg.header.Get("Content-Type") != "image/svg+xml; charset=utf-8" || !strings.Contains(svg.header.Get("Content-Security-Policy"), "default-src 'none'") ||
		!strings.Contains(svg.body, ">now</text>") || !strings.Contains(svg.body, "install-keycloak") {
		t.Errorf("%v %.500s", svg.header, svg.body)
	}
	var e form.Estimate
	r.json("/api/v1/flows/d1/estimate", &e)
	if e.Runs != 0 || e.Flow.Known || e.Flow.LowMs != nil {
		t.Errorf("without earlier provisions: %+v", e)
	}
	csv := r.table("/api/v1/flows/d1/estimate")
	if len(csv) != 5 || strings.Join(csv[0], " ") != "kind jobId name known lowMs highMs endsFrom endsUntil runs" || csv[1][0] != "flow" || csv[2][1] != "d1:install-keycloak" {
		t.Errorf("%q", csv)
	}
}

func TestAFlowOfOneJob(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.do("POST", "/api/v1/flows/one/events", fmt.Sprintf(`{"type":"snapshot","flow":{"id":"one","status":"succeeded","startedAt":%[1]d,"endedAt":%[2]d},
		"nodes":[{"id":"a","flowId":"one","label":"a","status":"succeeded","startedAt":%[1]d,"endedAt":%[2]d}],"relationships":[]}`, noon.UnixMilli(), noon.UnixMilli()+60000))
	var path form.Path
	r.json("/api/v1/flows/one/critical-path", &path)
	if len(path.Segments) != 1 || path.Segments[0].RanMs != 60000 || path.IdleMs != 0 {
		t.Errorf("%+v", path)
	}
	if svg := r.get("/api/v1/flows/one/timeline.svg"); svg.status != http.StatusOK || !strings.Contains(svg.body, "1 job<") {
		t.Errorf("%.600s", svg.body)
	}
}

// Of what is not known and of what has nothing in it there is no timeline, or an empty one.
func TestNothingToTell(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.do("PUT", "/api/v1/deployments/known", "{}")
	r.do("POST", "/api/v1/flows/empty/events", fmt.Sprintf(`{"type":"upsert-flow","flow":{"id":"empty","status":"pending","startedAt":%d}}`, noon.UnixMilli()))
	for _, what := range []string{"timeline", "timeline.svg", "critical-path", "diagnosis", "estimate", "snapshot?at=2026-04-01"} {
		for _, id := range []string{"unknown", "known"} {
			if a := r.get("/api/v1/flows/" + id + "/" + what); a.status != http.StatusNotFound || !strings.Contains(a.body, "flow-not-found") {
				t.Errorf("%s of %s: %d %s", what, id, a.status, a.body)
			}
		}
		if a := r.get("/api/v1/flows/empty/" + what); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	for _, list := range []string{"provisions", "components"} {
		if a := r.get("/api/v1/analytics/" + list); a.status != http.StatusOK || !strings.Contains(a.body, `"`+list+`":[]`) {
			t.Errorf("%s: %d %s", list, a.status, a.body)
		}
		if csv := r.table("/api/v1/analytics/" + list); len(csv) != 1 {
			t.Errorf("%q", csv)
		}
	}
	if a := r.get("/api/v1/analytics/compare?a=empty&b=unknown"); a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAPastState(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", kitRun(0)...)
	past := func(at string) *browser {
		a := r.get("/api/v1/flows/d1/snapshot?at=" + url.QueryEscape(at))
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		b := newBrowser()
		b.fold(t, frame{"snapshot", "", a.body})
		return b
	}
	for second, want := range map[int]string{121: "pending", 160: "running", 210: "failed", 230: "running", 300: "succeeded"} {
		at := noon.Add(time.Duration(second) * time.Second)
		if got := past(at.Format(time.RFC3339)).status("d1:install-keycloak"); got != want {
			t.Errorf("at %d it was %q, want %q", second, got, want)
		}
		if got := past(fmt.Sprint(at.UnixMilli())).status("d1:install-keycloak"); got != want {
			t.Errorf("at %d ms it was %q, want %q", second, got, want)
		}
	}
	csv := r.table("/api/v1/flows/d1/snapshot?at=" + url.QueryEscape(noon.Add(210*time.Second).Format(time.RFC3339)))
	row := slices.IndexFunc(csv, func(cells []string) bool { return cells[1] == "d1:install-keycloak" })
	if len(csv) != 11 || strings.Join(csv[1], ",") != "flow,,d1,,running,0,2026-04-01T12:00:00Z," ||
		row < 0 || strings.Join(csv[row], ",") != "job,d1:install-keycloak,install-keycloak,,failed,1,2026-04-01T12:02:30Z,2026-04-01T12:03:20Z" {
		t.Errorf("%q", csv)
	}
	if now, is := past(time.Now().Format(time.RFC3339)), r.snapshot("d1"); now.String() != is.String() {
		t.Errorf("now it is\n%s\nand not\n%s", now, is)
	}
	for _, query := range []string{"at=yesterday", "at=5", "at=2026-04-01&root=provisioner"} {
		if a := r.get("/api/v1/flows/d1/snapshot?" + query); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

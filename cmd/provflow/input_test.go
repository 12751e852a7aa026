package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

func TestBadInputNamesTheLineAndKeepsTheOnesBefore(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	tests := []struct{ name, line, slug, detail string }{
		{"malformed", `{"time":`, "invalid-event", "line 3: not JSON"},
		{"unknown phase", event(1, "tofu-destroy"), "invalid-event", `field "phase"`},
		{"unknown state", component(1, "x", "ready"), "invalid-event", `field "state"`},
		{"a time in the future", strings.Replace(event(1, "tofu"), "2026-04", "2999-04", 1), "invalid-event", `field "time"`},
		{"a line over the limit", event(1, "tofu", "message", strings.Repeat("x", 1<<20)), "line-too-long", "line 3: is longer than"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := fmt.Sprint("bad-", i)
			body := strings.Join([]string{event(0, "tofu-init"), "", tt.line, event(5, "tofu-plan")}, "\n")
			a := r.do("POST", "/api/v1/deployments/"+id+"/provisioner-events", body)
			var e struct {
				Error, Detail  string
				Line, Accepted int
			}
			if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != http.StatusBadRequest {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if e.Error != tt.slug || !strings.Contains(e.Detail, tt.detail) || e.Line != 3 || e.Accepted != 1 {
				t.Errorf("%+v", e)
			}
			if got := r.snapshot(id); got.status(id+":tofu-init") != "running" || len(got.nodes) != 2 {
				t.Errorf("what is kept: %s", got)
			}
		})
	}
	for _, id := range []string{"%20", "-a", "A", "a%3Ab", strings.Repeat("a", 64)} {
		if a := r.do("POST", "/api/v1/deployments/"+id+"/provisioner-events", event(0, "tofu-init")); a.status != http.StatusBadRequest {
			t.Errorf("deployment %q: %d %s", id, a.status, a.body)
		}
	}
}

func TestHardTextIsCleanedAndKept(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1",
		`{"time":"2026-04-01T12:00:00Z","phase":"tofu","message":"nul \u0000 and `+"\xff"+` and \ud800"}`,
		event(1, "tofu", "message", strings.Repeat("x", 1_000_000)),
		event(2, "tofu", "message", "after"))
	got := query[string](t, dsn, `SELECT string_agg(left(message, 19) || ' ' || octet_length(message), '|' ORDER BY line_number) FROM log_lines`)
	want := "nul  and \uFFFD and \uFFFD 20|xxxxxxxxxxxxxxxxxxx 16384|after 5"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	for _, path := range []string{"/api/v1/flows/nobody/snapshot", "/api/v1/flows/nobody/stream", "/api/v1/flows/nobody/snapshot?root=x", "/nothing"} {
		if a := r.get(path); a.status != http.StatusNotFound || !strings.Contains(a.body, `"error"`) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	r.post("d1", event(0, "tofu-init"))
	for path, status := range map[string]int{
		"/api/v1/flows/d1/snapshot?root=nobody":           404,
		"/api/v1/flows/d1/snapshot?root=a&around=b":       400,
		"/api/v1/flows/d1/snapshot?around=a&direction=up": 400,
		"/api/v1/flows/d1/snapshot?direction=upstream":    400,
		"/api/v1/flows/a%00b/snapshot":                    400,
		"/api/v1/flows/%64%31/snapshot":                   200,
		"/api/v1/flows/d1/snapshot?root=d1%3Aprovisioner": 200,
		"/api/v1/flows/d1/snapshot?around=tofu-init":      200,
	} {
		if a := r.get(path); a.status != status {
			t.Errorf("%s: %d %s, want %d", path, a.status, a.body, status)
		}
	}
}

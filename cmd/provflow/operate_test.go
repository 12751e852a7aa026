package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// serveProgram starts `provflow serve` in that environment and waits until it is ready.
func serveProgram(t *testing.T, env ...string) *program {
	t.Helper()
	p := beginWith(t, env, "serve", "--listen", "127.0.0.1:0")
	address := regexp.MustCompile(`"?msg"?[=:]"?serving"?.*address"?[=:]"?(http://[0-9.:]+)`)
	eventually(t, "the program to serve", func() bool {
		if p.ended() {
			t.Fatalf("it ended: %s", p.said())
		}
		found := address.FindStringSubmatch(p.said())
		if found != nil {
			p.url = found[1]
		}
		return found != nil
	})
	p.waitReady()
	return p
}

// logged gives the lines of a log in JSON, each of which must be one.
func (p *program) logged() (lines []map[string]any) {
	p.t.Helper()
	for text := range strings.Lines(p.said()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			p.t.Fatalf("%v in %s", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestLogsOfRequests(t *testing.T) {
	t.Parallel()
	p := serveProgram(t, "DATABASE_URL="+dbtest.New(t), "PROVFLOW_LOG_FORMAT=json", "PROVFLOW_LOG_LEVEL=debug")
	const path = "/api/v1/deployments/d1/provisioner-events"
	for query, body := range map[string]string{"?x=%zzhush-query": "", "?hush-query": `{"type":"hush-type"}`, "": `{"type":"upsert-nodes","nodes":[{"id":"hush\n"}]}`} {
		if a := p.do("POST", "/v1/flows/d1/events"+query, body); a.status != http.StatusBadRequest {
			t.Errorf("%s %s: %d", query, body, a.status)
		}
	}
	p.get("/api/v1/deployments/d1/jobs?status=hush-status")
	a := p.do("POST", path, event(0, "tofu", "message", "hush-body"), "X-Request-Id", "mine-1", "Authorization", "Bearer hush-token", "Cookie", "a=hush-cookie")
	if a.status != http.StatusOK || a.header.Get("X-Request-Id") != "mine-1" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	p.get("/api/v1/flows/d1/snapshot?token=hush-query", "X-Request-Id", "mine-2")
	s := p.stream("d1", "")
	s.next()
	s.close()
	line := func(route string) (found map[string]any) {
		eventually(t, "the line of "+route, func() bool {
			for _, l := range p.logged() {
				if l["msg"] == "request" && l["route"] == route {
					found = l
				}
			}
			return found != nil
		})
		return found
	}
	for route, want := range map[string]map[string]any{
		"/api/v1/deployments/{id}/provisioner-events": {"level": "INFO", "status": 200.0, "request": "mine-1", "method": "POST"},
		"/api/v1/flows/{id}/snapshot":                 {"level": "DEBUG", "status": 200.0, "request": "mine-2"},
		"/api/v1/flows/{id}/stream":                   {"level": "DEBUG", "status": 200.0},
		"/readyz":                                     {"level": "DEBUG"},
	} {
		got := line(route)
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: %v", route, got)
			}
		}
		if got["request"] == "" || got["ms"] == nil || got["bytes"] == nil {
			t.Errorf("%s: %v", route, got)
		}
	}
	p.terminate()
	if strings.Contains(p.said(), "hush") {
		t.Errorf("what may be secret was logged: %s", p.said())
	}
}

func TestAQuietLogHasOnlyWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	p := beginWith(t, []string{"DATABASE_URL=" + dbtest.New(t), "PROVFLOW_LOG_LEVEL=warn"}, "serve", "--listen", dbtest.FreeAddress(t))
	p.url = "http://" + p.cmd.Args[len(p.cmd.Args)-1]
	eventually(t, "the server", func() bool {
		res, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	p.post("d1", event(0, "tofu-init"))
	if code := p.terminate(); code != 0 || p.said() != "" {
		t.Errorf("exit code %d: %s", code, p.said())
	}
}

// documented finds the metrics that docs/operating.md lists.
func documented(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, found := range regexp.MustCompile("(?m)^\\| `(provflow_[a-z_]+)").FindAllStringSubmatch(string(text), -1) {
		names[found[1]] = true
	}
	return names
}

func TestEveryMetricIsDocumentedAndEveryDocumentedOneIsThere(t *testing.T) {
	t.Parallel()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := startAs(t, dbtest.New(t), instance{operation: operation{metrics: socket}})
	r.post("d1", event(0, "tofu-init"))
	s := r.stream("d1", "")
	s.until(r, "d1")
	r.post("d1", event(1, "tofu-plan"))
	s.until(r, "d1")
	shown := replica{t: t, url: "http://" + socket.Addr().String()}
	a := shown.get("/metrics")
	names := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (provflow_\S+) `).FindAllStringSubmatch(a.body, -1) {
		names[found[1]] = true
	}
	want := documented(t)
	for name := range want {
		if !names[name] {
			t.Errorf("%s is documented and not there", name)
		}
	}
	for name := range names {
		if !want[name] {
			t.Errorf("%s is there and not documented", name)
		}
	}
	for _, line := range []string{
		`provflow_http_requests_total{method="POST",route="/api/v1/deployments/{id}/provisioner-events",status="200"} 2`,
		"provflow_http_open_streams 1", "provflow_feed_subscribers 1", "provflow_listener_connected 1", "provflow_draining 0",
		"provflow_feed_database_up 1", `provflow_record_transaction_seconds_count{outcome="committed"} 2`, "provflow_record_batch_items_sum 2",
		"provflow_feed_wake_to_frame_seconds_count ", "provflow_postgres_notification_queue_usage_ratio ", "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(a.body, "\n"+line) {
			t.Errorf("%s: not there", line)
		}
	}
	if a := shown.get("/api/v1/flows/d1/snapshot"); a.status != http.StatusNotFound {
		t.Errorf("the metrics' address serves more: %d", a.status)
	}
	if t.Failed() {
		t.Log(a.body)
	}
}

func TestRefusesToBeOperatedSo(t *testing.T) {
	t.Parallel()
	for setting, word := range map[string]string{
		"PROVFLOW_LOG_FORMAT=xml":         "xml",
		"PROVFLOW_LOG_LEVEL=loud":         "loud",
		"PROVFLOW_DRAIN=-1s":              "--drain",
		"PROVFLOW_METRICS_LISTEN=nowhere": "--metrics-listen",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 OTEL_EXPORTER_OTLP_PROTOCOL=grpc": "http/protobuf only",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			o := run(t, strings.Fields(setting), "serve", "--listen", "127.0.0.1:0", "--data-dir", dir)
			if o.code == 0 || !strings.Contains(o.text, word) {
				t.Error(o)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("a data folder was made")
			}
		})
	}
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/db/dbtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	// An answer that never begins is a failure of its test, not of the whole run.
	http.DefaultTransport.(*http.Transport).ResponseHeaderTimeout = patience
	_ = flag.Set("rapid.checks", "20") // a check here is some dozens of requests; -rapid.checks says otherwise
	os.Exit(dbtest.Main(m))
}

// patience bounds every wait; it is reached only by a failure.
const patience = time.Minute

// replica is a whole server in this process.
type replica struct {
	t    testing.TB
	url  string
	tell func() // that it is to stop; stop also waits until it has
	stop func()

	client *http.Client // nil: the default one
}

// start runs a replica on that database until the test ends or stop is called, with an
// upstream where one is given.
func start(t testing.TB, dsn string, up ...upstream.Options) *replica {
	t.Helper()
	return startGuarded(t, dsn, accessPlan{}, up...)
}

// startGuarded is start with access control.
func startGuarded(t testing.TB, dsn string, who accessPlan, up ...upstream.Options) *replica {
	t.Helper()
	return startAs(t, dsn, instance{access: who}, up...)
}

// startAs is start of a server that is partly given.
func startAs(t testing.TB, dsn string, in instance, up ...upstream.Options) *replica {
	t.Helper()
	for _, o := range up {
		var err error
		if in.upstream, err = upstream.New(o); err != nil {
			t.Fatal(err)
		}
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	in.database, in.socket, in.log = &database{url: dsn, direct: dsn}, socket, slog.New(slog.DiscardHandler)
	go func() { done <- serve(ctx, in) }()
	stopped := false
	r := &replica{t: t, url: "http://" + socket.Addr().String(), tell: cancel, stop: func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("the server did not stop")
		}
	}}
	t.Cleanup(r.stop)
	r.waitReady()
	return r
}

func (r *replica) waitReady() {
	r.t.Helper()
	eventually(r.t, "the server to be ready", func() bool { return r.get("/readyz").status == http.StatusOK })
}

// eventually polls what has no signal to wait for: the state of another process.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (r *replica) do(method, path, body string, header ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := cmp.Or(r.client, http.DefaultClient).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (r *replica) get(path string, header ...string) answer { return r.do("GET", path, "", header...) }

// post sends provisioner events, one a line, and wants them accepted.
func (r *replica) post(deployment string, lines ...string) answer {
	r.t.Helper()
	a := r.do("POST", "/api/v1/deployments/"+deployment+"/provisioner-events", strings.Join(lines, "\n"))
	if a.status != http.StatusOK {
		r.t.Fatalf("posting: %d %s", a.status, a.body)
	}
	return a
}

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// event writes a provisioner event at a second after noon.
func event(second float64, phase string, fields ...string) string {
	m := map[string]any{"time": noon.Add(time.Duration(second * float64(time.Second))), "phase": phase, "level": "info"}
	for i := 0; i < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
		if fields[i] == "dependsOn" {
			m["dependsOn"] = strings.Fields(fields[i+1])
		}
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func component(second float64, name, state string, fields ...string) string {
	return event(second, "component", append([]string{"component", name, "state", state}, fields...)...)
}

// snapshot reads a flow's snapshot as a browser would hold it.
func (r *replica) snapshot(flowID string) *browser {
	r.t.Helper()
	a := r.get("/api/v1/flows/" + flowID + "/snapshot")
	if a.status != http.StatusOK {
		r.t.Fatalf("snapshot: %d %s", a.status, a.body)
	}
	b := newBrowser()
	b.fold(r.t, frame{"snapshot", strings.Trim(a.header.Get("ETag"), `"`), a.body})
	return b
}

// query runs SQL that the server does not offer.
func query[T any](t testing.TB, dsn, sql string, args ...any) T {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var v T
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

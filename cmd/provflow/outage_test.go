package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/embedded"
	"github.com/openova-io/provflow/migrations"
)

// ownServer is a database server that a test may stop and start again.
type ownServer struct {
	t   *testing.T
	dir string
	now *embedded.Server
}

func newOwnServer(t *testing.T) *ownServer {
	t.Helper()
	s := &ownServer{t: t, dir: dataDir(t)}
	s.start()
	t.Cleanup(s.stop)
	if err := migrations.Up(t.Context(), s.now.DSN()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *ownServer) start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if s.now, err = embedded.Start(ctx, embedded.Options{DataDir: s.dir, Settings: map[string]string{"fsync": "off"}}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *ownServer) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.now.Stop(ctx); err != nil {
		s.t.Error(err)
	}
}

// untilAvailable folds frames until one says whether the database is there.
func (s *stream) untilAvailable(want string) {
	s.t.Helper()
	for {
		f, ok := s.next()
		if !ok {
			s.t.Fatal("the stream ended")
		}
		var said struct{ Database string }
		if f.event == "availability" && json.Unmarshal([]byte(f.data), &said) == nil && said.Database == want {
			return
		}
	}
}

// wantUnavailable checks an answer that asks to come back later.
func (a answer) wantUnavailable(t *testing.T, what string) {
	t.Helper()
	var e struct{ Error, Detail string }
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || e.Error == "" || e.Detail == "" {
		t.Errorf("%s: no reason given: %s", what, a.body)
	}
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("%s: %d, Retry-After %q", what, a.status, a.header.Get("Retry-After"))
	}
}

func TestPostgresStoppedAndStartedAgain(t *testing.T) {
	t.Parallel()
	server := newOwnServer(t)
	r := start(t, server.now.DSN())
	r.post("d1", event(0, "tofu-init"))
	s := r.stream("d1", "")
	s.until(r, "d1")
	for round := range 2 {
		server.stop()
		wantAway(t, r)
		s.untilAvailable("unavailable")
		late := r.stream("d1", s.state.Cursor) // who comes now is let in, and told
		late.untilAvailable("unavailable")
		server.start()
		line := component(float64(10+round), fmt.Sprint("x", round), "installing")
		eventually(t, "an acknowledgement", func() bool {
			return r.do("POST", "/api/v1/deployments/d1/provisioner-events", line).status == http.StatusOK
		})
		s.untilAvailable("available")
		s.until(r, "d1")
		late.state = s.state
		late.until(r, "d1")
		r.waitReady()
	}
}

// wantAway asks for everything that needs the database, and for what does not.
func wantAway(t *testing.T, r *replica) {
	t.Helper()
	for _, path := range []string{
		"/api/v1/flows/d1/snapshot", "/api/v1/flows/d1/snapshot?root=provisioner", "/api/v1/flows/unknown/snapshot",
		"/api/v1/flows/unknown/stream", "/readyz",
	} {
		r.get(path).wantUnavailable(t, path)
	}
	r.do("POST", "/api/v1/deployments/d1/provisioner-events", event(1, "tofu-plan")).wantUnavailable(t, "posting")
	r.do("POST", "/api/v1/deployments/d1/provisioner-events", "").wantUnavailable(t, "posting nothing")
	r.do("POST", "/api/v1/deployments/d1/provisioner-events", event(1, "tofu"), "Idempotency-Key", "k").wantUnavailable(t, "posting with a key")
	r.do("DELETE", "/api/v1/flows/d1", "").wantUnavailable(t, "deleting")
	if a := r.get("/healthz"); a.status != http.StatusOK {
		t.Errorf("healthz: %d %s", a.status, a.body)
	}
}

// raw opens a connection and sends text on it as it stands.
func (r *replica) raw(text string) *net.TCPConn {
	r.t.Helper()
	conn, err := new(net.Dialer).DialContext(r.t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		r.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// A body that stops in the middle of its third line: the two before it are kept.
func TestABodyThatStopsHalfWayKeepsWhatWasWhole(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	lines := event(0, "tofu-init") + "\n" + event(5, "tofu-plan") + "\n"
	half := event(9, "tofu-apply")[:40]
	const head = "POST /api/v1/deployments/%s/provisioner-events HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n%s"
	framings := map[string]string{
		"length":  fmt.Sprintf(head, "%s", "Content-Length: 100000", lines+half),
		"chunked": fmt.Sprintf(head, "%s", "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", len(lines+half), lines+half)),
		"chunk":   fmt.Sprintf(head, "%s", "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s", 100000, lines+half)),
	}
	ends := map[string]func(*testing.T, *net.TCPConn){
		"closed": func(_ *testing.T, c *net.TCPConn) { _ = c.Close() },
		"reset":  func(_ *testing.T, c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() },
		"half":   wantToldOfTheCut,
	}
	for framing, text := range framings {
		for end, cut := range ends {
			if framing+end == "chunkreset" {
				continue // of a chunk that has not come whole, net/http gives nothing before its end
			}
			t.Run(framing+" "+end, func(t *testing.T) {
				t.Parallel()
				id := framing + "-" + end
				r.post(id, "") // known, so that its snapshot can be asked for
				conn := r.raw(fmt.Sprintf(text, id))
				if end == "reset" { // what is reset may not have been read
					eventually(t, "the lines", func() bool { return r.snapshot(id).status(id+":tofu-plan") == "running" })
				}
				cut(t, conn)
				eventually(t, "the lines", func() bool { return r.snapshot(id).status(id+":tofu-plan") == "running" })
				if got := r.snapshot(id); len(got.Nodes.ByID) != 3 || got.status(id+":tofu-init") != "succeeded" {
					t.Errorf("kept: %s", got)
				}
			})
		}
	}
}

// wantToldOfTheCut ends the sending side only, and reads what it is told.
func wantToldOfTheCut(t *testing.T, c *net.TCPConn) {
	t.Helper()
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s %v", res.StatusCode, body, err)
	}
	for _, word := range []string{`"body-cut-off"`, `"accepted":2`, "line 3"} {
		if !strings.Contains(string(body), word) {
			t.Errorf("the answer does not say %s: %s", word, body)
		}
	}
}

package upstream

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is a limit that a test waits for; bound, one that only a failure reaches.
const (
	soon  = 100 * time.Millisecond
	bound = time.Minute
)

// stub is an upstream.
type stub struct {
	*httptest.Server
	conns atomic.Int64
}

func newStub(t *testing.T, tls bool, answer http.HandlerFunc) *stub {
	t.Helper()
	u := &stub{Server: httptest.NewUnstartedServer(answer)}
	u.Config.ErrorLog = log.New(io.Discard, "", 0)
	u.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			u.conns.Add(1)
		}
	}
	if tls {
		u.EnableHTTP2 = true
		u.StartTLS()
	} else {
		u.Start()
	}
	t.Cleanup(u.Close)
	return u
}

// client asks the stub whatever name is asked for, without looking at its certificate.
func (u *stub) client(t *testing.T, o Options) *Client {
	t.Helper()
	o.SkipVerify = true
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(u.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.port = ":" + port
	t.Cleanup(c.Close)
	return c
}

// operator asks the stub as the operator's upstream.
func (u *stub) operator(t *testing.T, o Options) (*Client, Target) {
	t.Helper()
	o.FlowServerURL = u.URL
	c := u.client(t, o)
	return c, mustTarget(t, c, "")
}

func mustTarget(t *testing.T, c *Client, fqdn string) Target {
	t.Helper()
	target, ok := c.Of(fqdn)
	if !ok {
		t.Fatalf("%q has no upstream", fqdn)
	}
	return target
}

const snapshot = `{"type":"snapshot","nodes":[]}`

func writeSnapshot(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write([]byte(snapshot))
}

// typed answers with a status, a content type and a body.
func typed(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestWhatIsAnAnswer(t *testing.T) {
	t.Parallel()
	big := strings.Repeat(" ", maxSnapshot)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a snapshot":         {typed(200, "application/json; charset=utf-8", snapshot), "200 application/json; charset=utf-8 " + snapshot},
		"another JSON type":  {typed(200, "application/vnd.flow+json", snapshot), "200 application/vnd.flow+json " + snapshot},
		"as large as may be": {typed(200, "application/json", big[:maxSnapshot-2]+"{}"), ""},
		"too large":          {typed(200, "application/json", big+"{}"), "error"},
		"a page":             {typed(200, "text/html", "<p>"), "error"},
		"a page called JSON": {typed(200, "application/json", "<p>"), "error"},
		"no content type":    {typed(200, "", snapshot), "error"},
		"nothing":            {typed(204, "application/json", ""), "error"},
		"its own 404":        {typed(404, "application/json", `{"error":"x"}`), `404 application/json {"error":"x"}`},
		"a 404 in words":     {typed(404, "text/plain", "404 page not found"), "404  "},
		"a 403 in words":     {typed(403, "text/plain; charset=utf-8", "no"), "403 text/plain; charset=utf-8 no"},
		"a 403 page":         {typed(403, "text/html", "<p>"), "403  "},
		"its own 500":        {typed(500, "application/json", `{}`), "500 application/json {}"},
		"an ingress's 503":   {typed(503, "text/html", "<p>"), "error"},
		"too long an error":  {typed(500, "application/json", big[:maxRefusal+1]), "error"},
		"packed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			typed(200, "application/json", snapshot)(w, r)
		}, "error"},
		"cut off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			typed(200, "application/json", snapshot)(w, r)
		}, "error"},
		"too long a header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 2*maxHeader))
			typed(200, "application/json", snapshot)(w, r)
		}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, target := newStub(t, false, c.answer).operator(t, Options{})
			a, err := client.Snapshot(t.Context(), target, "f")
			got := fmt.Sprintf("%d %s %s", a.Status, a.ContentType, a.Body)
			if err != nil {
				got = "error"
			}
			if c.want != "" && got != c.want || c.want == "" && err != nil {
				t.Errorf("got %.200s, %v", got, err)
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := newStub(t, false, func(w http.ResponseWriter, _ *http.Request) { writeSnapshot(w) })
	u := newStub(t, false, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	c, target := u.operator(t, Options{})
	if _, err := c.Snapshot(t.Context(), target, "f"); err == nil {
		t.Error("followed")
	}
	if _, err := c.Stream(t.Context(), target, "f", ""); err == nil || other.conns.Load() != 0 {
		t.Errorf("%v, %d connections", err, other.conns.Load())
	}
}

// Nothing goes out but what is needed.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 1)
	u := newStub(t, false, func(_ http.ResponseWriter, r *http.Request) {
		sent <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header)
	})
	c, target := u.operator(t, Options{})
	_, _ = c.Snapshot(t.Context(), target, "a:b")
	if got, want := <-sent, "GET /v1/flows/a%3Ab/snapshot map[Accept:[application/json] User-Agent:[provflow-upstream]]"; got != want {
		t.Errorf("got %s", got)
	}
	_, _ = c.Stream(t.Context(), target, "a:b", "41")
	if got, want := <-sent, "GET /v1/flows/a%3Ab/stream map[Accept:[text/event-stream] Last-Event-Id:[41] User-Agent:[provflow-upstream]]"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestASlowUpstreamIsGivenUp(t *testing.T) {
	t.Parallel()
	u := newStub(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/flows/body/snapshot" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})
	c, target := u.operator(t, Options{Timeout: soon})
	for _, id := range []string{"header", "body"} {
		if _, err := c.Snapshot(t.Context(), target, id); err == nil {
			t.Error(id)
		}
	}
	if _, err := c.Stream(t.Context(), target, "f", ""); err == nil {
		t.Error("stream")
	}
}

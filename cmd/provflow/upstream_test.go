package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/db/dbtest"
)

// otherServer is an upstream that says what it is told to.
type otherServer struct {
	*httptest.Server
	answer atomic.Value // an http.HandlerFunc
	asked  atomic.Int64
	left   chan struct{} // a stream's client has left
}

func newOther(t *testing.T, answer http.HandlerFunc) *otherServer {
	t.Helper()
	o := &otherServer{left: make(chan struct{}, 100)}
	o.answer.Store(answer)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		o.answer.Load().(http.HandlerFunc)(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *otherServer) options() upstream.Options {
	return upstream.Options{FlowServerURL: o.URL, Timeout: patience}
}

// impatient is for an upstream that never answers.
func (o *otherServer) impatient() upstream.Options {
	return upstream.Options{FlowServerURL: o.URL, Timeout: 200 * time.Millisecond}
}

// says answers everything alike.
func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// streams answers with a stream: what comes from the channel, as it comes.
func (o *otherServer) streams(pieces <-chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		ctl := http.NewResponseController(w)
		_ = ctl.Flush()
		for {
			select {
			case p := <-pieces:
				_, _ = w.Write([]byte(p))
				_ = ctl.Flush()
			case <-r.Context().Done():
				o.left <- struct{}{}
				return
			}
		}
	}
}

func refuses(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func redirects(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
}

// ill are upstreams that are no use.
func ill(t *testing.T) map[string]upstream.Options {
	dead := newOther(t, hangs)
	dead.Close()
	page := says(http.StatusOK, "text/html", "<p>a page</p>")
	elsewhere := newOther(t, says(http.StatusOK, "application/json", otherSnapshot))
	t.Cleanup(func() {
		if n := elsewhere.asked.Load(); n != 0 {
			t.Errorf("a redirect was followed %d times", n)
		}
	})
	return map[string]upstream.Options{
		"dead":        dead.options(),
		"slow":        newOther(t, hangs).impatient(),
		"huge":        newOther(t, says(http.StatusOK, "application/json", strings.Repeat(" ", 33<<20)+"{}")).options(),
		"redirecting": newOther(t, redirects(elsewhere.URL)).options(),
		"lying":       newOther(t, page).options(),
		"not JSON":    newOther(t, says(http.StatusOK, "application/json", "<p>a page</p>")).options(),
		"broken":      newOther(t, says(http.StatusBadGateway, "text/html", "<p>a page</p>")).options(),
	}
}

// What the upstream says of u1, as a snapshot and as the event that carries it.
const (
	otherSnapshot = `{"type":"snapshot","flow":{"id":"u1","status":"running","startedAt":1790000000000},"nodes":[{"id":"u1:n","flowId":"u1","label":"n","status":"running"}],"relationships":[]}`
	otherEvent    = "event: snapshot\nid: 41\ndata: " + otherSnapshot + "\n\n"
)

func TestAnUnknownFlowIsAskedUpstream(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 10)
	o := newOther(t, nil)
	r := start(t, dbtest.New(t), o.options())
	for _, c := range []struct {
		status     int
		kind, body string
		want       string
	}{
		{200, "application/json; charset=utf-8", otherSnapshot, "200 application/json; charset=utf-8 " + otherSnapshot},
		{404, "application/json", `{"error":"none"}`, `404 application/json {"error":"none"}`},
		{404, "text/html", `<p>`, `404 application/json {"error":"flow-not-found","detail":"there is no flow and no deployment \"a:b/c\""}`},
		{418, "application/json", `{"error":"tea"}`, `418 application/json {"error":"tea"}`},
		{403, "text/html", `<p>`, `403 application/json {"error":"upstream-refused","detail":"the upstream flow server answered Forbidden"}`},
		{503, "application/json", `{"error":"busy"}`, `503 application/json {"error":"busy"}`},
	} {
		o.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths <- r.RequestURI
			says(c.status, c.kind, c.body)(w, r)
		}))
		a := r.get("/v1/flows/a%3Ab%2Fc/snapshot")
		if got := fmt.Sprint(a.status, " ", a.header.Get("Content-Type"), " ", a.body); got != c.want {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
		if p := <-paths; p != "/v1/flows/a%3Ab%2Fc/snapshot" {
			t.Errorf("asked for %s", p)
		}
	}
	o.Close()
	if a := r.get("/api/v1/flows/u1/snapshot"); a.status != http.StatusBadGateway || !strings.Contains(a.body, "upstream-unreachable") {
		t.Errorf("closed: %d %s", a.status, a.body)
	}
}

func TestAnUpstreamThatIsNoUse(t *testing.T) {
	t.Parallel()
	for name, o := range ill(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, dbtest.New(t), o)
			for _, path := range []string{"snapshot", "stream"} {
				if a := r.get("/api/v1/flows/u1/" + path); a.status != http.StatusBadGateway || !strings.Contains(a.body, "upstream-unreachable") {
					t.Errorf("%s of an unknown flow: %d %.200s", path, a.status, a.body)
				}
			}
			r.putDeployment("d1", `{}`)
			if s := r.snapshot("d1"); len(s.Nodes.ByID) != 0 {
				t.Errorf("a known deployment's: %s", s)
			}
			s := r.stream("d1", "")
			if f, _ := s.next(); f.event != "snapshot" || len(s.state.Nodes.ByID) != 0 {
				t.Errorf("its stream began with %+v", f)
			}
			r.post("d1", event(0, "tofu-init"))
			s.until(r, "d1")
			if s.state.status("d1:tofu-init") != "running" {
				t.Error("its stream did not go on with its first job")
			}
		})
	}
}

func TestWithoutAnUpstreamAnUnknownFlowIs404(t *testing.T) {
	t.Parallel()
	// A deployment has no say in where other flows are.
	r := start(t, dbtest.New(t), upstream.Options{})
	r.putDeployment("d1", `{"sovereignFQDN":"d1.example.invalid"}`)
	for _, path := range []string{"snapshot", "stream"} {
		if a := r.get("/api/v1/flows/u1/" + path); a.status != http.StatusNotFound || !strings.Contains(a.body, "flow-not-found") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestADeploymentWithoutJobsIsShownAsTheUpstreamHasIt(t *testing.T) {
	t.Parallel()
	o := newOther(t, says(http.StatusOK, "application/json", otherSnapshot))
	r := start(t, dbtest.New(t), o.options())
	r.putDeployment("u1", `{}`)
	if a := r.get("/api/v1/flows/u1/snapshot"); a.status != http.StatusOK || a.body != otherSnapshot {
		t.Errorf("%d %s", a.status, a.body)
	}
	for status, kind := range map[int]string{404: "text/plain", 403: "application/json", 500: "application/json"} {
		o.answer.Store(says(status, kind, "{}"))
		if s := r.snapshot("u1"); len(s.Nodes.ByID) != 0 || s.Flow == nil {
			t.Errorf("%d: %s", status, s)
		}
	}
	before := o.asked.Load()
	r.post("u1", event(0, "tofu-init"))
	if s := r.snapshot("u1"); s.status("u1:tofu-init") != "running" || o.asked.Load() != before {
		t.Errorf("with a job: %s, asked %d times", s, o.asked.Load()-before)
	}
}

// Whatever a client sends, the upstream learns the flow's id and no more.
func TestNothingOfTheClientGoesUpstream(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 1)
	o := newOther(t, func(_ http.ResponseWriter, r *http.Request) {
		var names []string
		for name := range r.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		sent <- fmt.Sprint(names, r.UserAgent(), r.URL.RawQuery, r.Header.Get("Last-Event-Id"))
	})
	r := start(t, dbtest.New(t), o.options())
	secrets := []string{
		"Authorization", "Bearer s", "Cookie", "s=s", "X-Forwarded-For", "10.0.0.1", "X-Api-Key", "s", "Referer", "https://s",
		"User-Agent", "s", "Proxy-Authorization", "s", "If-None-Match", "s", "Accept", "text/plain",
	}
	r.get("/api/v1/flows/u1/snapshot?token=s", secrets...)
	if got := <-sent; got != "[Accept User-Agent]provflow-upstream" {
		t.Errorf("snapshot: %s", got)
	}
	for id, want := range map[string]string{
		"41":                          "[Accept Last-Event-Id User-Agent]provflow-upstream41",
		"a9abd5cc-4001-eb96e04f-1.52": "[Accept User-Agent]provflow-upstream", // a cursor of ours
		".0":                          "[Accept User-Agent]provflow-upstream",
		strings.Repeat("x", 300):      "[Accept User-Agent]provflow-upstream",
	} {
		r.get("/api/v1/flows/u1/stream?token=s", append([]string{"Last-Event-ID", id}, secrets...)...)
		if got := <-sent; got != want {
			t.Errorf("stream after %.40s: %s", id, got)
		}
	}
}

// Two servers that are each other's upstream do not ask in a circle.
func TestServersThatAreEachOthersUpstream(t *testing.T) {
	t.Parallel()
	o := newOther(t, nil)
	r := start(t, dbtest.New(t), o.options())
	to, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	o.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		out, err := http.NewRequestWithContext(in.Context(), http.MethodGet, to.String()+in.URL.Path, nil)
		if err != nil {
			return
		}
		out.Header = in.Header
		res, err := http.DefaultClient.Do(out)
		if err == nil {
			defer res.Body.Close()
			says(res.StatusCode, res.Header.Get("Content-Type"), "{}")(w, in)
		}
	}))
	for _, path := range []string{"snapshot", "stream"} {
		if a := r.get("/api/v1/flows/u1/" + path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if n := o.asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// A flow that is deleted is the upstream's again.
func TestADeletedFlowIsAskedUpstream(t *testing.T) {
	t.Parallel()
	o := newOther(t, says(http.StatusOK, "application/json", otherSnapshot))
	r := start(t, dbtest.New(t), o.options())
	r.post("u1", event(0, "tofu-init"))
	if a := r.do("DELETE", "/api/v1/flows/u1", ""); a.status != http.StatusNoContent {
		t.Fatal(a.status)
	}
	if a := r.get("/api/v1/flows/u1/snapshot"); a.body != otherSnapshot {
		t.Errorf("%d %s", a.status, a.body)
	}
}

package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
)

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// with gives the replica as its helpers see it, with a token.
func (g *guarded) with(token string) *replica {
	return &replica{t: g.t, url: g.url, client: &http.Client{Transport: bearer(token)}}
}

// streamAs opens a flow's stream with headers of one's own.
func (g *guarded) streamAs(flowID string, header ...string) *stream {
	g.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	g.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/api/v1/flows/"+flowID+"/stream", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		g.t.Fatalf("stream: %d %s", res.StatusCode, readAll(g.t, res.Body))
	}
	s := &stream{t: g.t, frames: make(chan frame), state: newBrowser(), close: cancel}
	go s.read(ctx, res.Body)
	return s
}

// untilEnd takes frames until the stream ends.
func (s *stream) untilEnd() {
	s.t.Helper()
	for ok := true; ok; {
		_, ok = s.next()
	}
}

// session exchanges a token for a cookie, as `name=value`.
func (g *guarded) session(token string, header ...string) (cookie string, set *http.Cookie) {
	g.t.Helper()
	a := g.as(token, "POST", "/api/v1/session", "", header...)
	if a.status != http.StatusNoContent || a.header.Get("Cache-Control") != "no-store" {
		g.t.Fatalf("session: %d %s", a.status, a.body)
	}
	return cookieOf(g.t, a)
}

func cookieOf(t testing.TB, a answer) (string, *http.Cookie) {
	t.Helper()
	set := (&http.Response{Header: a.header}).Cookies()
	if len(set) != 1 {
		t.Fatalf("cookies: %v", a.header)
	}
	c := set[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %+v", c)
	}
	return c.Name + "=" + c.Value, c
}

// What an EventSource does: it sends cookies, and no header of its own.
func TestAnEventSourceIsLetInByItsCookie(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	g, other := startWithAccess(t, dsn, quick()), startWithAccess(t, dsn, quick())
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init"))
	token, id := g.token("a-", access.Read)
	cookie, _ := g.session(token)
	for _, r := range []*guarded{g, other} { // any replica knows it
		s := r.streamAs("a-1", "Cookie", cookie)
		s.until(g.with(g.admin), "a-1")
	}
	for path, want := range map[string]int{"/api/v1/flows/b-1/snapshot": 404, "/api/v1/actions/executions/a-1:tofu-init:1/logs": 403} {
		if a := g.do("GET", path, "", "Cookie", cookie); a.status != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	last := g.streamAs("a-1", "Cookie", cookie)
	g.revoke(id) // the sessions of a token end with it
	last.untilEnd()
	if a := other.do("GET", "/api/v1/flows/a-1/snapshot", "", "Cookie", cookie); a.status != 401 {
		t.Errorf("after the token was revoked: %d", a.status)
	}
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	soon := time.Now().Add(time.Hour)
	token, _ := g.tokenUntil(soon, "", access.Read)
	cookie, set := g.session(token)
	if set.Expires.Sub(soon).Abs() > 2*time.Second {
		t.Errorf("it ends at %v, its token at %v", set.Expires, soon)
	}
	if a := g.do("DELETE", "/api/v1/session", "", "Cookie", cookie, "Origin", "https://evil.example"); a.status != 403 {
		t.Errorf("another page ended it: %d", a.status)
	}
	for range 2 {
		if a := g.do("DELETE", "/api/v1/session", "", "Cookie", cookie); a.status != 204 {
			t.Errorf("ending it: %d %s", a.status, a.body)
		}
		if a := g.do("GET", "/api/v1/deployments", "", "Cookie", cookie); a.status != 401 {
			t.Errorf("after its end: %d", a.status)
		}
	}
	again, _ := g.session(token)
	for _, path := range []string{"/api/v1/session", "/api/v1/session/code"} { // or it would never end
		if a := g.do("POST", path, "", "Cookie", again); a.status != 401 {
			t.Errorf("%s with a session: %d", path, a.status)
		}
	}
	value := strings.TrimPrefix(again, "provflow=")
	for name, a := range map[string]answer{
		"as a bearer token": g.as(value, "GET", "/api/v1/deployments", ""), "in the URL": g.get("/api/v1/deployments?access_token=" + token),
		"basic": g.do("GET", "/api/v1/deployments", "", "Authorization", "Basic "+token),
	} {
		if a.status != 401 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

func TestOverHTTPSTheCookieIsBoundToTheHost(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	cookie, set := g.session(g.admin, "X-Forwarded-Proto", "https")
	if !set.Secure || set.Name != "__Host-provflow" {
		t.Errorf("%+v", set)
	}
	if a := g.do("GET", "/api/v1/deployments", "", "Cookie", cookie, "X-Forwarded-Proto", "https"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	plain, _ := g.session(g.admin)
	if a := g.do("GET", "/api/v1/deployments", "", "Cookie", plain, "X-Forwarded-Proto", "https"); a.status != 401 {
		t.Errorf("a cookie that another host may have set: %d", a.status)
	}
}

func TestALinkLetsABrowserInOnce(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r := &replica{t: t, url: g.url, client: client}
	token, _ := g.token("", access.Read)
	link := decode[struct{ Path string }](t, g.as(token, "POST", "/api/v1/session/code", "").body).Path
	if a := r.do("HEAD", link, ""); a.status != 405 {
		t.Errorf("a preview: %d", a.status)
	}
	for _, to := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "/%09/evil.example", "/%0a/evil", "evil", "javascript:alert(1)", "/a b"} {
		if a := r.get(link + "&to=" + strings.ReplaceAll(to, " ", "%20")); a.status != 400 || a.header.Get("Set-Cookie") != "" {
			t.Errorf("to %q: %d %v", to, a.status, a.header)
		}
	}
	a := r.get(link + "&to=" + "/docs%3Fa=b")
	if a.status != 303 || a.header.Get("Location") != "/docs?a=b" || a.header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	cookie, _ := cookieOf(t, a)
	if a := g.do("GET", "/api/v1/deployments", "", "Cookie", cookie); a.status != 200 {
		t.Errorf("with the cookie: %d", a.status)
	}
	if a := r.get(link); a.status != 401 || a.header.Get("Set-Cookie") != "" {
		t.Errorf("used again: %d", a.status)
	}
}

// bearer shows a token with every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

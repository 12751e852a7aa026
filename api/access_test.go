package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/openova-io/provflow/service/access"
)

// Whoever adds a route says whom it is for: in the table, or here.
func TestEveryRouteHasARule(t *testing.T) {
	t.Parallel()
	open := []string{"GET /healthz", "GET /readyz", "GET /openapi.json"}
	served := map[string]bool{}
	routes, ok := New(Services{}).(chi.Routes)
	if !ok {
		t.Fatal("the handler does not list its routes")
	}
	err := chi.Walk(routes, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		route := routeOf(method, strings.ReplaceAll(pattern, "/*/", "/"))
		served[route] = true
		if _, known := rules[route]; !known && !slices.Contains(open, route) && !strings.Contains(route, " /docs") {
			t.Errorf("%s is in no table: it asks for everything", route)
		}
		return nil
	})
	for route := range rules {
		if !served[route] {
			t.Errorf("%s is not served", route)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func TestWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	g := newGate(Access{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, time.Now)
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.7", "192.0.2.1"}, // not a proxy of ours: it may say what it likes
		{"10.1.1.1:5", "198.51.100.7", "198.51.100.7"},
		{"10.1.1.1:5", "1.1.1.1, 198.51.100.7, 10.2.2.2", "198.51.100.7"},
		{"10.1.1.1:5", "1.1.1.1, garbage", "10.1.1.1"},
		{"10.1.1.1:5", "", "10.1.1.1"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
		{"[2001:db8:1:2:3::4]:5", "", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:5", "", "fe80::/64"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := g.address(r); got != c.want {
			t.Errorf("%s, %q: %s", c.remote, c.forwarded, got)
		}
	}
}

func TestOnlyPathsHereAreGoneOnTo(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{"": "/", "/": "/", "/docs?a=b#c": "/docs?a=b#c", "/a//b": "/a//b", "/%2F%2Fevil": "/%2F%2Fevil"} {
		if got, err := localPath(to); err != nil || got != want {
			t.Errorf("%q: %q %v", to, got, err)
		}
	}
	for _, to := range []string{
		"//evil", "///evil", "/\\evil", "\\/evil", "https:evil", "https://evil", "evil", ".", "/\tevil", "/\n/evil", " /", "/ ", "/\x00", "http:/evil", "?a", "#a", "/%zz",
	} {
		if got, err := localPath(to); err == nil {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestBucketsAreForgottenWhenTheyAreFull(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	b := newBuckets(Rate{PerSecond: 1, Burst: 2}, func() time.Time { return now })
	for range 2 {
		if err := b.take("a"); err != nil {
			t.Fatal(err)
		}
	}
	if b.take("a") == nil || b.left("a") == nil || b.take("b") != nil {
		t.Error("a has had two, b one")
	}
	now = now.Add(time.Second)
	if b.left("a") != nil || b.take("a") != nil || b.take("a") == nil {
		t.Error("a has one again")
	}
	now = now.Add(2 * time.Minute)
	_ = b.take("c")
	if len(b.of) != 1 {
		t.Errorf("%d are kept", len(b.of))
	}
}

// What docs/access.md says: a stream ends within a minute of its token.
func TestARevokedTokensStreamIsLookedAtWithinAMinute(t *testing.T) {
	t.Parallel()
	if longest := (Access{}).withDefaults().Recheck + access.Remember; longest > time.Minute {
		t.Errorf("it may go on for %v", longest)
	}
}

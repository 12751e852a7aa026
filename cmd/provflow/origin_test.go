package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
)

// host does a request that calls the server by a name.
func (r *replica) host(name, path string) int {
	r.t.Helper()
	conn := r.raw("GET " + path + " HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// A page of somebody else's has a browser send what it likes to localhost.
func TestAForeignPageMayNotWrite(t *testing.T) {
	t.Parallel()
	off := start(t, dbtest.New(t))
	plan := quick()
	plan.api.Origins = []string{"https://console.example"}
	on := startWithAccess(t, dbtest.New(t), plan)
	cookie, _ := on.session(on.admin)
	bearer := "Bearer " + on.admin
	tests := []struct {
		name   string
		server *replica
		want   int
		header []string
	}{
		{"off, a foreign origin", off, 403, []string{"Origin", "https://evil.example"}},
		{"off, an opaque origin", off, 403, []string{"Origin", "null"}},
		{"off, told by the browser", off, 403, []string{"Sec-Fetch-Site", "cross-site"}},
		{"off, another port", off, 403, []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}},
		{"off, its own", off, 200, []string{"Origin", off.url, "Sec-Fetch-Site", "same-origin"}},
		{"off, no browser", off, 200, nil},
		{"cookie, a foreign origin", on.replica, 403, []string{"Cookie", cookie, "Origin", "https://evil.example"}},
		{"cookie, a listed origin", on.replica, 403, []string{"Cookie", cookie, "Origin", "https://console.example"}},
		{"cookie, its own", on.replica, 200, []string{"Cookie", cookie, "Origin", on.url}},
		{"token, a foreign origin", on.replica, 403, []string{"Authorization", bearer, "Origin", "https://evil.example"}},
		{"token, a listed origin", on.replica, 200, []string{"Authorization", bearer, "Origin", "https://console.example", "Sec-Fetch-Site", "cross-site"}},
	}
	for _, tt := range tests {
		if a := tt.server.do("PUT", "/api/v1/deployments/a-1", "{}", tt.header...); a.status != tt.want {
			t.Errorf("%s: %d %s", tt.name, a.status, a.body)
		}
		if a := tt.server.do("DELETE", "/api/v1/flows/a-1", "", tt.header...); (a.status == 403) != (tt.want == 403) {
			t.Errorf("%s: deleting: %d %s", tt.name, a.status, a.body)
		}
		if a := tt.server.get("/api/v1/deployments", tt.header...); a.status != 200 {
			t.Errorf("%s: reading: %d", tt.name, a.status)
		}
	}
}

func TestOnlyListedOriginsMayRead(t *testing.T) {
	t.Parallel()
	plan := quick()
	plan.api.Origins = []string{"https://console.example"}
	g := startWithAccess(t, dbtest.New(t), plan)
	g.as(g.admin, "PUT", "/api/v1/deployments/a-1", "{}")
	ask := []string{"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization"}
	a := g.do("OPTIONS", "/api/v1/deployments/a-1", "", append(ask, "Origin", "https://console.example")...)
	h := a.header.Get
	if a.status != 204 || h("Access-Control-Allow-Origin") != "https://console.example" || h("Access-Control-Allow-Credentials") != "true" ||
		!strings.Contains(h("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(h("Access-Control-Allow-Methods"), "PUT") {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	for _, origin := range []string{"https://evil.example", "https://console.example.evil.example", "http://console.example", "null"} {
		a := g.do("OPTIONS", "/api/v1/deployments/a-1", "", append(ask, "Origin", origin)...)
		if a.status != 403 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight of %s: %d %v", origin, a.status, a.header)
		}
		if a := g.as(g.admin, "GET", "/api/v1/deployments", "", "Origin", origin); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may read: %v", origin, a.header)
		}
	}
	a = g.as(g.admin, "GET", "/api/v1/flows/a-1/snapshot", "", "Origin", "https://console.example")
	if a.status != 200 || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "ETag") || a.header.Get("Vary") != "Origin" {
		t.Errorf("reading: %d %v", a.status, a.header)
	}
	if exposed := a.header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "Link") || !strings.Contains(exposed, "Retry-After") {
		t.Errorf("pages are turned by Link: %s", exposed)
	}
	// An error is read as well.
	if a := g.get("/api/v1/deployments", "Origin", "https://console.example"); a.status != 401 || a.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("an error: %d %v", a.status, a.header)
	}
}

// A name of somebody else's that resolves to this machine makes their page its own origin.
func TestOnlyItsOwnNameWhileAccessIsOff(t *testing.T) {
	t.Parallel()
	plan, err := accessFlags{Access: "auto", Hosts: []string{"Dev.example"}}.plan("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	off, on := startGuarded(t, dbtest.New(t), plan), startWithAccess(t, dbtest.New(t), quick())
	for name, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LOCALHOST.": 200, "a.localhost:1": 200, "127.0.0.1:8080": 200, "127.9.9.9": 200, "[::1]:8080": 200, "[::1]": 200,
		"dev.example:99": 200, "evil.example": 403, "evil.example:8080": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "192.168.0.1": 403, "notlocalhost": 403,
	} {
		if got := off.host(name, "/api/v1/deployments"); got != want {
			t.Errorf("%s: %d", name, got)
		}
		if got := off.host(name, "/healthz"); got != 200 {
			t.Errorf("%s: healthz %d", name, got)
		}
		if got := on.host(name, "/api/v1/deployments"); got != 401 {
			t.Errorf("with access on, %s: %d", name, got)
		}
	}
}

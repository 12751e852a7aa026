package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/api"
	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
)

// quick is access control whose looks are taken soon enough for a test.
func quick() accessPlan {
	return accessPlan{on: true, recall: time.Millisecond, api: api.Access{Recheck: 10 * time.Millisecond}}
}

// guarded is a replica with access control, and what makes its tokens.
type guarded struct {
	*replica
	store *db.Store
	admin string // a token for everything
}

func startWithAccess(t *testing.T, dsn string, plan accessPlan) *guarded {
	t.Helper()
	store, err := db.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	g := &guarded{replica: startGuarded(t, dsn, plan), store: store}
	g.admin, _ = g.token("", access.Admin)
	return g
}

// token makes a token and gives its text and its id.
func (g *guarded) token(prefix string, scopes ...access.Scope) (text, id string) {
	g.t.Helper()
	return g.tokenUntil(time.Time{}, prefix, scopes...)
}

func (g *guarded) tokenUntil(ends time.Time, prefix string, scopes ...access.Scope) (text, id string) {
	g.t.Helper()
	text, token, err := access.NewToken("test", scopes, prefix, time.Now(), ends)
	if err == nil {
		err = g.store.AddAccessToken(context.Background(), token)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return text, token.ID
}

func (g *guarded) revoke(id string) {
	g.t.Helper()
	if err := g.store.RevokeAccessToken(context.Background(), id); err != nil {
		g.t.Fatal(err)
	}
}

// as does a request with a token; header pairs may follow.
func (g *guarded) as(token, method, path, body string, header ...string) answer {
	g.t.Helper()
	if token != "" {
		header = append(header, "Authorization", "Bearer "+token)
	}
	return g.do(method, path, body, header...)
}

// call is one call of the contract. In its path, %s is a deployment's id.
type call struct {
	method, path, body string
	scope              access.Scope
	ok                 int
	endless            bool
}

var calls = []call{
	{"GET", "/api/v1/flows/%s/snapshot", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/snapshot?root=provisioner", "", access.Read, 200, false},
	{"HEAD", "/api/v1/flows/%s/snapshot", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/snapshot?at=2026-05-01", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/timeline", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/timeline.svg", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/critical-path", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/diagnosis", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/estimate", "", access.Read, 200, false},
	{"GET", "/api/v1/analytics/compare?a=%s&b=%s", "", access.Read, 200, false},
	{"GET", "/api/v1/flows/%s/stream", "", access.Read, 200, true},
	{"POST", "/api/v1/flows/%s/events", `{"type":"delete-nodes","ids":["x"]}`, access.Ingest, 200, false},
	{"GET", "/v1/flows/%s/snapshot", "", access.Read, 200, false},
	{"GET", "/v1/flows/%s/stream", "", access.Read, 200, true},
	{"POST", "/v1/flows/%s/events", `{"type":"delete-nodes","ids":["x"]}`, access.Ingest, 200, false},
	{"GET", "/api/v1/deployments/%s", "", access.Read, 200, false},
	{"PUT", "/api/v1/deployments/%s", "{}", access.Admin, 200, false},
	{"GET", "/api/v1/deployments/%s/jobs", "", access.Read, 200, false},
	{"GET", "/api/v1/deployments/%s/jobs/tofu-init", "", access.Read, 200, false},
	{"GET", "/api/v1/deployments/%s/export", "", access.Admin, 200, false},
	{"POST", "/api/v1/deployments/%s/provisioner-events", "", access.Ingest, 200, false},
	{"POST", "/api/v1/internal/jobs/import", `{"deploymentId":"%s","jobs":[],"executions":[]}`, access.Ingest, 200, false},
	{"GET", "/api/v1/actions/executions/%s:tofu-init:1/logs", "", access.Logs, 200, false},
	{"GET", "/api/v1/actions/executions/%s:tofu-init:1/logs/stream", "", access.Logs, 200, true},
	// The last ones: they take away what the others read.
	{"DELETE", "/api/v1/flows/%s", "", access.Admin, 204, false},
	{"DELETE", "/v1/flows/%s", "", access.Admin, 204, false},
	{"DELETE", "/api/v1/deployments/%s", "", access.Admin, 204, false},
}

func (c call) String() string { return c.method + " " + c.path }

// try does the call for a deployment. Of what does not end only the status is read.
func (g *guarded) try(c call, base, token, deployment string) answer {
	g.t.Helper()
	fill := func(s string) string { return strings.ReplaceAll(s, "%s", deployment) }
	if !c.endless {
		return g.as(token, c.method, base+fill(c.path), fill(c.body))
	}
	ctx, cancel := context.WithCancel(g.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.method, g.url+base+fill(c.path), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return answer{status: res.StatusCode, header: res.Header}
	}
	return answer{res.StatusCode, res.Header, readAll(g.t, res.Body)}
}

// everyScopeBut gives all scopes that do not cover one.
func everyScopeBut(s access.Scope) []access.Scope {
	var others []access.Scope
	for _, o := range []access.Scope{access.Read, access.Logs, access.Ingest} {
		if o != s {
			others = append(others, o)
		}
	}
	return others
}

func TestEveryCallAsksWhoCalls(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init", "message", "m"))
	expired, _ := g.tokenUntil(time.Now().Add(-time.Second), "", access.Admin)
	revoked, id := g.token("", access.Admin)
	g.revoke(id)
	for _, base := range []string{"", "/sovereign"} {
		for _, c := range calls {
			wrong, _ := g.token("", everyScopeBut(c.scope)...)
			for name, token := range map[string]string{"none": "", "made up": g.admin[:21] + revoked[21:], "expired": expired, "revoked": revoked} {
				a := g.try(c, base, token, "a-1")
				if a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s%s, token %s: %d %s", base, c, name, a.status, a.body)
				}
			}
			a := g.try(c, base, wrong, "a-1")
			named := strings.Contains(a.body, `"forbidden"`) && strings.Contains(a.body, fmt.Sprintf(`\"%s\"`, c.scope))
			if a.status != 403 || !named && c.method != "HEAD" {
				t.Errorf("%s%s, wrong scope: %d %s", base, c, a.status, a.body)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/sovereign/healthz"} {
		if a := g.get(path); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestTheRightScopeIsEnough(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init", "message", "m"))
	for _, c := range calls {
		for _, prefix := range []string{"", "a-"} {
			token, _ := g.token(prefix, c.scope)
			if a := g.try(c, "", token, "a-1"); a.status != c.ok {
				t.Errorf("%s, prefix %q: %d %s", c, prefix, a.status, a.body)
			}
		}
	}
}

// Another's is answered as what is not there: the same status and the same words, also
// for who writes, and nothing is written.
func TestAnothersIsNotThere(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	g.as(g.admin, "POST", "/api/v1/deployments/b-1/provisioner-events", event(0, "tofu-init", "message", "m"))
	before := g.as(g.admin, "GET", "/api/v1/flows/b-1/snapshot", "")
	for _, c := range calls {
		token, _ := g.token("a-", c.scope)
		there, absent := g.try(c, "", token, "b-1"), g.try(c, "", token, "b-2")
		if there.status != 404 || strings.ReplaceAll(there.body, "b-1", "b-2") != absent.body || absent.status != 404 {
			t.Errorf("%s: there %d %s, absent %d %s", c, there.status, there.body, absent.status, absent.body)
		}
		if c.method != "GET" { // who sees all makes or deletes it
			continue
		}
		if really := g.try(c, "", g.admin, "b-2"); really.status != 404 || really.body != absent.body {
			t.Errorf("%s: what is not there is %d %s, what is hidden is %s", c, really.status, really.body, absent.body)
		}
	}
	after := g.as(g.admin, "GET", "/api/v1/flows/b-1/snapshot", "")
	if after.body != before.body || after.header.Get("ETag") != before.header.Get("ETag") {
		t.Errorf("it was changed: %s", after.body)
	}
	if a := g.as(g.admin, "GET", "/api/v1/flows/b-2/snapshot", ""); a.status != 404 {
		t.Errorf("it was made: %s", a.body)
	}
	archive := g.as(g.admin, "GET", "/api/v1/deployments/b-1/export", "").body
	token, _ := g.token("a-", access.Ingest)
	if a := g.as(token, "POST", "/api/v1/internal/jobs/import", archive, "Content-Type", "application/x-ndjson"); a.status != 404 {
		t.Errorf("an archive of another's: %d %s", a.status, a.body)
	}
}

func TestTheListIsOfWhatIsSeen(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	for _, id := range []string{"a-1", "b-1", "a-2", "b-2", "a-3"} {
		g.as(g.admin, "PUT", "/api/v1/deployments/"+id, "{}")
	}
	token, _ := g.token("a-", access.Read)
	var got []string
	for after := ""; ; {
		page := decode[struct {
			Deployments []deployment
			Next        string
		}](t, g.as(token, "GET", "/api/v1/deployments?limit=2&after="+after, "").body)
		for _, d := range page.Deployments {
			got = append(got, d.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if strings.Join(got, " ") != "a-3 a-2 a-1" {
		t.Errorf("listed: %v", got)
	}
}

// The database may go away after it has said who calls. While it is away nobody is
// believed for long, and nobody refused.
func TestWithTheDatabaseAwayNobodyIsRefused(t *testing.T) {
	t.Parallel()
	server := newOwnServer(t)
	g := startWithAccess(t, server.now.DSN(), quick())
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init"))
	s := g.streamAs("a-1", "Authorization", "Bearer "+g.admin)
	s.until(g.with(g.admin), "a-1")
	server.stop()
	for _, token := range []string{g.admin, "pvf_0123456789abcdef_" + g.admin[21:]} {
		g.as(token, "GET", "/api/v1/flows/a-1/snapshot", "").wantUnavailable(t, "with the database away")
	}
	if a := g.do("GET", "/api/v1/flows/a-1/snapshot", "", "Cookie", "provflow=pvs_x"); a.status != 503 {
		t.Errorf("a session: %d %s", a.status, a.body)
	}
	server.start()
	eventually(t, "an answer", func() bool { return g.as(g.admin, "GET", "/api/v1/flows/a-1/snapshot", "").status == 200 })
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(9, "tofu-plan"))
	s.until(g.with(g.admin), "a-1") // the stream was never ended
}

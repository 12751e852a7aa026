package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/api/oidc/oidctest"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
)

// A token is made beside the running server, though the folder is the server's.
func TestTokensAreMadeBesideTheServer(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	p := launchWith(t, dir, []string{"PROVFLOW_ACCESS=on"})
	if !strings.Contains(p.said(), "there is no token yet") {
		t.Errorf("no hint: %s", p.said())
	}
	env := []string{"PROVFLOW_DATA_DIR=" + p.dir}
	made := run(t, env, "token", "create", "--name", "console", "--scope", "read,logs", "--prefix", "acme", "--expires", "720h")
	made.want(t, 0, "cannot be shown again", "acme1")
	text := regexp.MustCompile(access.TokenPattern).FindString(made.text)
	header := []string{"Authorization", "Bearer " + text}
	if a := p.get("/api/v1/deployments", header...); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	list := run(t, env, "token", "list")
	list.want(t, 0, "console", "read,logs", "acme", "active", text[4:20])
	if strings.Contains(list.text, text[21:]) || strings.Contains(p.said(), text[21:]) {
		t.Error("the secret is shown again")
	}
	run(t, env, "token", "revoke", text[4:20]).want(t, 0, "revoked")
	run(t, env, "token", "list").want(t, 0, "revoked")
	eventually(t, "the token to be refused", func() bool { return p.get("/api/v1/deployments", header...).status == 401 })
	run(t, env, "token", "revoke", "0000000000000000").want(t, 1, "token list")
	for _, args := range []string{"--scope write", "--scope read --prefix A", "--scope read --expires -1h", ""} {
		if o := run(t, env, append([]string{"token", "create", "--name", "x"}, strings.Fields(args)...)...); o.code == 0 {
			t.Errorf("%q: %s", args, o)
		}
	}
}

func TestOnlyHashesAreStored(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	g := startWithAccess(t, dsn, quick())
	g.session(g.admin)
	g.as(g.admin, "POST", "/api/v1/session/code", "")
	for _, table := range []string{"access_tokens", "access_sessions", "access_codes"} {
		rows := query[string](t, dsn, "SELECT string_agg(x::text, ' ') FROM "+table+" x")
		if rows == "" || strings.Contains(rows, g.admin[21:]) || strings.Contains(rows, "pvs_") || strings.Contains(rows, "pvc_") {
			t.Errorf("%s: %q", table, rows)
		}
	}
}

func TestAccessThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ env, listen, words string }{
		{"PROVFLOW_ACCESS=off", "0.0.0.0:0", "PROVFLOW_ACCESS=on|provflow token create|PROVFLOW_OIDC_ISSUER|PROVFLOW_OIDC_AUDIENCE"},
		{"PROVFLOW_OIDC_ISSUER=https://x.example", "127.0.0.1:0", "audience"},
		{"PROVFLOW_OIDC_ISSUER=http://x.example PROVFLOW_OIDC_AUDIENCE=a", "127.0.0.1:0", "must be https"},
		{"PROVFLOW_ACCESS=off PROVFLOW_OIDC_ISSUER=https://x.example PROVFLOW_OIDC_AUDIENCE=a", "127.0.0.1:0", "contradict"},
		{"PROVFLOW_CORS_ORIGINS=*", "127.0.0.1:0", "PROVFLOW_CORS_ORIGINS"},
		{"PROVFLOW_CORS_ORIGINS=https://a.example/", "127.0.0.1:0", "PROVFLOW_CORS_ORIGINS"},
		{"PROVFLOW_RATE=fast", "127.0.0.1:0", "PROVFLOW_RATE"},
		{"PROVFLOW_TRUSTED_PROXIES=proxy", "127.0.0.1:0", "PROVFLOW_TRUSTED_PROXIES"},
	} {
		dir := dataDir(t)
		run(t, append(strings.Fields(c.env), "PROVFLOW_DATA_DIR="+dir), "serve", "--listen", c.listen).want(t, 1, strings.Split(c.words, "|")...)
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a data folder was made", c.env)
		}
	}
}

func TestLimitsAsTheyAreSet(t *testing.T) {
	t.Parallel()
	none := 0
	for _, c := range []struct {
		flags   accessFlags
		rate    float64
		burst   int
		streams int
	}{
		{accessFlags{Access: "auto"}, 0, 0, 0}, // one's own machine
		{accessFlags{Access: "on"}, 100, 200, 200},
		{accessFlags{Access: "on", Rate: "5"}, 5, 10, 200},
		{accessFlags{Access: "on", Rate: "0.5:7", Streams: &none}, 0.5, 7, 0},
		{accessFlags{Access: "on", Rate: "off"}, 0, 0, 200},
		{accessFlags{Access: "auto", Rate: "5:6"}, 5, 6, 0},
	} {
		p, err := c.flags.plan("127.0.0.1:0")
		if err != nil || p.api.Rate.PerSecond != c.rate || p.api.Rate.Burst != c.burst || p.api.Streams != c.streams {
			t.Errorf("%+v: %+v %v", c.flags, p.api, err)
		}
	}
}

func TestTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	issuer := oidctest.New()
	t.Cleanup(issuer.Close)
	issuer.Away.Store(true)
	plan, err := accessFlags{Access: "auto", OIDCIssuer: issuer.URL, OIDCAudience: "provflow", OIDCPrefixClaim: "tenant"}.plan("0.0.0.0:0")
	if err != nil || !plan.on {
		t.Fatalf("%+v %v", plan, err)
	}
	plan.recall, plan.api.Recheck = quick().recall, quick().api.Recheck
	g := startWithAccess(t, dbtest.New(t), plan)
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init"))
	token := issuer.Sign(time.Now(), oidctest.Claims{"tenant": "a-"})
	a := g.as(token, "GET", "/api/v1/flows/a-1/snapshot", "")
	a.wantUnavailable(t, "with the issuer away")
	if !strings.Contains(a.body, issuer.URL) {
		t.Errorf("it is not said which: %s", a.body)
	}
	issuer.Away.Store(false)
	eventually(t, "the issuer to be found", func() bool { return g.as(token, "GET", "/api/v1/flows/a-1/snapshot", "").status == 200 })
	for path, want := range map[string]int{"/api/v1/flows/b-1/snapshot": 404, "/api/v1/deployments/a-1/export": 403} {
		if a := g.as(token, "GET", path, ""); a.status != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	cookie, _ := g.session(token)
	s := g.streamAs("a-1", "Cookie", cookie)
	s.until(g.with(g.admin), "a-1")
	if a := g.as(issuer.Sign(time.Now(), oidctest.Claims{"tenant": "a-", "aud": "other"}), "GET", "/api/v1/deployments", ""); a.status != 401 {
		t.Errorf("for another audience: %d", a.status)
	}
}

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/api"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
)

// begun is an answer whose beginning was read; raw connections end with the test.
func (r *replica) begun(text string) *http.Response {
	r.t.Helper()
	conn := r.raw(text)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestRatesAreOfAPrincipal(t *testing.T) {
	t.Parallel()
	plan := quick()
	plan.api.Rate = api.Rate{PerSecond: 0.01, Burst: 3}
	g := startWithAccess(t, dbtest.New(t), plan)
	one, _ := g.token("", access.Read)
	another, _ := g.token("", access.Read)
	for range 3 {
		if a := g.as(one, "GET", "/api/v1/deployments", ""); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	cookie, _ := g.session(another)
	a := g.as(one, "GET", "/api/v1/deployments", "")
	if a.status != 429 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "too-many-requests") {
		t.Errorf("the fourth: %d %v %s", a.status, a.header, a.body)
	}
	for i, want := range []int{200, 200, 429} { // a session is its principal
		if a := g.do("GET", "/api/v1/deployments", "", "Cookie", cookie); a.status != want {
			t.Errorf("another principal's session, %d: %d", i, a.status)
		}
	}
	if a := g.get("/readyz"); a.status != 200 {
		t.Errorf("readyz: %d", a.status)
	}
}

// Who tries tokens is held up, and nobody who is known.
func TestTryingTokensIsHeldUp(t *testing.T) {
	t.Parallel()
	plan := quick()
	plan.recall = time.Minute
	plan.api.Rate = api.Rate{PerSecond: 0.01, Burst: 3}
	g := startWithAccess(t, dbtest.New(t), plan)
	known, _ := g.token("", access.Read)
	g.as(known, "GET", "/api/v1/deployments", "")
	for i, want := range []int{401, 401, 401, 429, 429} {
		if a := g.as(fmt.Sprintf("pvf_%016d_%s", i, g.admin[21:]), "GET", "/api/v1/deployments", ""); a.status != want {
			t.Errorf("try %d: %d %s", i, a.status, a.body)
		}
	}
	if a := g.as(known, "GET", "/api/v1/deployments", ""); a.status != 200 {
		t.Errorf("who is known: %d", a.status)
	}
}

func TestStreamsOfAPrincipalAreCounted(t *testing.T) {
	t.Parallel()
	plan := quick()
	plan.api.Streams = 2
	g := startWithAccess(t, dbtest.New(t), plan)
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init"))
	cookie, _ := g.session(g.admin)
	first := g.streamAs("a-1", "Authorization", "Bearer "+g.admin)
	g.streamAs("a-1", "Cookie", cookie)
	if a := g.as(g.admin, "GET", "/api/v1/flows/a-1/stream", ""); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("the third: %d %s", a.status, a.body)
	}
	other, _ := g.token("", access.Read)
	g.streamAs("a-1", "Authorization", "Bearer "+other)
	first.close()
	stream := call{method: "GET", path: "/api/v1/flows/%s/stream", endless: true}
	eventually(t, "room for another stream", func() bool { return g.try(stream, "", g.admin, "a-1").status == 200 })
}

// A client that begins a body and does not go on holds nothing for long; one that brings
// a little all the time is ended too.
func TestASlowBodyIsCut(t *testing.T) {
	t.Parallel()
	plan := accessPlan{api: api.Access{BodyIdle: 100 * time.Millisecond, IngestIdle: 200 * time.Millisecond}}
	r := startGuarded(t, dbtest.New(t), plan)
	for name, path := range map[string]string{"put": "PUT /api/v1/deployments/a-1", "message": "POST /api/v1/flows/a-1/events", "events": "POST /api/v1/deployments/a-1/provisioner-events"} {
		res := r.begun(path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + event(0, "tofu-init") + "\n")
		body := readAll(t, res.Body)
		if res.StatusCode != http.StatusRequestTimeout || !strings.Contains(body, "body-too-slow") {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
		if name == "events" && !strings.Contains(body, `"accepted":1`) {
			t.Errorf("what is kept is not told: %s", body)
		}
	}
	conn := r.raw("PUT /api/v1/deployments/a-1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
	ended := time.Now().Add(patience)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		if _, err := conn.Write([]byte(" ")); err != nil {
			return
		}
		if time.Now().After(ended) {
			t.Fatal("a body that trickles goes on")
		}
	}
}

// A client that asks for much and reads none of it holds nothing for long.
func TestAnAnswerThatIsNotTakenIsCut(t *testing.T) {
	t.Parallel()
	r := startGuarded(t, dbtest.New(t), accessPlan{api: api.Access{Streams: 1, AnswerIdle: 100 * time.Millisecond}})
	lines := []string{event(0, "tofu-init")}
	for i := range 800 { // more than the buffers between two sockets hold
		lines = append(lines, event(float64(i), "tofu", "message", strings.Repeat("x", 16<<10)))
	}
	r.post("a-1", lines...)
	conn := r.raw("GET /api/v1/deployments/a-1/export HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if n, err := conn.Read(make([]byte, 100)); n == 0 {
		t.Fatal(err)
	}
	eventually(t, "room for another export", func() bool { return r.get("/api/v1/deployments/a-1/export").status == http.StatusOK })
	rest, _ := io.ReadAll(conn) // however the connection ends
	if bytes.HasSuffix(rest, []byte("0\r\n\r\n")) {
		t.Error("the whole of it waited to be read")
	}
}

// A body of events may stand still for as long as nothing happens, and a stream goes on
// after a request's body has been read.
func TestABodyOfEventsMayWait(t *testing.T) {
	t.Parallel()
	plan := accessPlan{api: api.Access{BodyIdle: 20 * time.Millisecond}}
	r := startGuarded(t, dbtest.New(t), plan)
	b := r.postLive("a-1")
	for i := range 3 {
		b.write(t, component(float64(i), "x", []string{"pending", "installing", "installed"}[i]))
		eventually(t, "the event", func() bool { return r.get("/api/v1/flows/a-1/snapshot").status == 200 })
		quiet := time.After(100 * time.Millisecond) // longer than others may be
		<-quiet
	}
	_ = b.Close()
	if a := b.answer(t); a.status != 200 || !strings.Contains(a.body, `"accepted":3`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWhatLastsEndsWithItsToken(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init"))
	token, id := g.token("a-", access.Read, access.Ingest)
	s := g.streamAs("a-1", "Authorization", "Bearer "+token)
	s.until(g.with(g.admin), "a-1")
	b := g.with(token).postLive("a-1")
	b.write(t, event(1, "tofu-plan"))
	s.next()
	g.revoke(id)
	s.untilEnd()
	a := b.answer(t)
	if a.status != 401 || !strings.Contains(a.body, "access-ended") || !strings.Contains(a.body, `"accepted":1`) {
		t.Errorf("the body: %d %s", a.status, a.body)
	}
	short, _ := g.tokenUntil(time.Now().Add(300*time.Millisecond), "", access.Read)
	g.streamAs("a-1", "Authorization", "Bearer "+short).untilEnd()
}

// A header may be large and slow only so far: what stands still is cut after ten seconds.
func TestLargeAndSlowHeadersAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	slow := r.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
	res := r.begun("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n")
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", res.StatusCode)
	}
	_ = slow.SetReadDeadline(time.Now().Add(3 * patience))
	if text, err := io.ReadAll(slow); err != nil {
		t.Errorf("the slow one stays: %q %v", text, err)
	}
}

// An archive may hold executions named like another's. Whose log it is does not follow
// from that: the one whose flow the name begins with comes first.
func TestNobodyElsesExecutionHidesALog(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	g.as(g.admin, "POST", "/api/v1/deployments/b-1/provisioner-events", event(0, "tofu-init", "message", "ours"))
	archive := g.as(g.admin, "GET", "/api/v1/deployments/b-1/export", "").body
	forged := strings.ReplaceAll(strings.Replace(archive, `"flowId":"b-1"`, `"flowId":"a-1"`, 1), "ours", "theirs")
	theirs, _ := g.token("a-", access.Ingest, access.Logs)
	if a := g.as(theirs, "POST", "/api/v1/internal/jobs/import", forged, "Content-Type", "application/x-ndjson"); a.status != 200 {
		t.Logf("such an archive is not taken: %d %s", a.status, a.body)
	}
	const log = "/api/v1/actions/executions/b-1:tofu-init:1/logs"
	ours, _ := g.token("b-", access.Logs)
	if a := g.as(ours, "GET", log, ""); a.status != 200 || !strings.Contains(a.body, "ours") {
		t.Errorf("ours: %d %s", a.status, a.body)
	}
	if a := g.as(theirs, "GET", log, ""); a.status != 404 {
		t.Errorf("theirs: %d %s", a.status, a.body)
	}
}

// Who is not let in is told so while the body still goes on, and holds nothing.
func TestADeniedBodyIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	b := g.postLive("a-1")
	if a := b.answer(t); a.status != 401 {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/api/v1/deployments/a-1", "/nowhere"} {
		res := g.begun("PUT " + path + " HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Length: 100000\r\n\r\n")
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

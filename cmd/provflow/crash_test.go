package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// emitter posts events in order, a few at a time, and sends what was not acknowledged
// again until it is. It notes what it is told, as the provisioner would.
type emitter struct {
	id    string
	lines []string
	url   atomic.Value // string: where the program is now

	sent  chan struct{} // a signal for every request that is about to go out
	mu    sync.Mutex
	acked int
	wrong []string // answers that are neither an acknowledgement nor "try again"
}

func newEmitter(id string, lines []string) *emitter {
	return &emitter{id: id, lines: lines, sent: make(chan struct{}, 1)}
}

func (e *emitter) run(r *rand.Rand, stop <-chan struct{}) {
	for e.acknowledged() < len(e.lines) {
		rest := e.lines[e.acknowledged():]
		piece := rest[:min(len(rest), 1+r.IntN(3))]
		select {
		case e.sent <- struct{}{}:
		case <-stop:
			return
		default:
		}
		if e.send(piece) {
			e.mu.Lock()
			e.acked += len(piece)
			e.mu.Unlock()
		} else {
			time.Sleep(5 * time.Millisecond) // as Retry-After asks, only sooner
		}
	}
}

// send reports whether the piece was acknowledged.
func (e *emitter) send(piece []string) bool {
	res, err := http.Post(e.url.Load().(string)+"/api/v1/deployments/"+e.id+"/provisioner-events", "application/x-ndjson",
		strings.NewReader(strings.Join(piece, "\n")))
	if err != nil {
		return false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	told := res.StatusCode == http.StatusOK || res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != ""
	if !told {
		e.mu.Lock()
		e.wrong = append(e.wrong, fmt.Sprint(res.StatusCode, " ", string(body)))
		e.mu.Unlock()
	}
	return err == nil && res.StatusCode == http.StatusOK
}

func (e *emitter) acknowledged() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.acked
}

// provision is a provision's events, each with a line of log that is its own.
func provision(components int) []string {
	lines := []string{event(0, "tofu-init"), event(5, "tofu-plan"), event(9, "tofu-apply"), event(20, "cluster-bootstrap")}
	for i := range components {
		name, at := fmt.Sprint("c", i), float64(30+10*i)
		lines = append(lines,
			component(at, name, "pending", "dependsOn", fmt.Sprint("c", max(i-1, 0))),
			component(at+1, name, "installing"),
			event(at+2, "component-log", "component", name),
			component(at+3, name, []string{"installed", "failed"}[i%2]))
	}
	for i := range lines {
		lines[i] = strings.Replace(lines[i], `"level"`, fmt.Sprintf(`"message":"m%04d","level"`, i), 1)
	}
	return lines
}

// logged counts the events that leave a line of log: what is pending has no execution yet.
func logged(lines []string) (n int) {
	for _, l := range lines {
		if !strings.Contains(l, `"pending"`) {
			n++
		}
	}
	return n
}

const historySQL = `SELECT (SELECT count(*) FROM executions WHERE flow_id = $1) || ' executions, '
	|| (SELECT count(*) FROM log_lines WHERE flow_id = $1) || ' lines, '
	|| (SELECT count(*) FROM transitions WHERE flow_id = $1) || ' transitions'`

// The program is killed at random moments while events are posted and streams are open.
func TestNothingIsLostHoweverOftenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 11))
	p := launch(t, dataDir(t))
	p.post("d1", "")
	e := newEmitter("d1", provision(60))
	e.url.Store(p.url)
	streams := []*stream{p.stream("d1", ""), p.stream("d1", "")}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); e.run(r, stop) }()
	defer func() { close(stop); <-ended }()
	for range 4 {
		p = killedInTheMiddle(t, p, e, streams)
	}
	<-ended
	if len(e.wrong) > 0 {
		t.Errorf("answers: %q", e.wrong)
	}
	for _, s := range streams {
		s.until(p.replica, "d1")
	}
	wantAsIfUnbroken(t, p, e)
}

// killedInTheMiddle kills the program a moment after the emitter has begun some request,
// and checks what the next one finds before the emitter gets to it.
func killedInTheMiddle(t *testing.T, p *program, e *emitter, streams []*stream) *program {
	t.Helper()
	for _, s := range streams {
		s.until(p.replica, "d1")
	}
	for range 1 + rand.N(8) {
		await(t, e.sent)
	}
	time.Sleep(rand.N(10 * time.Millisecond)) // not a wait for anything: any moment will do
	e.url.Store("http://127.0.0.1:1")
	p.kill()
	acked := e.acknowledged()
	p = launch(t, p.dir)
	want := logged(e.lines[:acked])
	if kept := query[int](t, p.dsn(), `SELECT count(*) FROM log_lines WHERE message < $1`, fmt.Sprintf("m%04d", acked)); kept != want {
		t.Fatalf("%d lines were acknowledged and %d are there", want, kept)
	}
	for _, s := range streams {
		s.resume(p)
	}
	e.url.Store(p.url)
	return p
}

// resume takes in what the broken stream still held and goes on with a new one.
func (s *stream) resume(p *program) {
	s.t.Helper()
	for ok := true; ok; {
		_, ok = s.next()
	}
	s.state.cutOff()
	next := p.stream("d1", s.state.Cursor)
	s.frames, s.close = next.frames, next.close
	behind := p.snapshot("d1").Cursor != s.state.Cursor
	if inHistory := s.state.Cursor != flow.NoCursor.String(); behind && inHistory {
		if f, _ := s.next(); f.event == "snapshot" {
			s.t.Error("the stream began afresh instead of at its cursor")
		}
	}
}

func await(t *testing.T, signal <-chan struct{}) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		t.Fatal("the emitter has stopped")
	}
}

// wantAsIfUnbroken sends everything once more, and compares with the same events sent to
// another flow in one go.
func wantAsIfUnbroken(t *testing.T, p *program, e *emitter) {
	t.Helper()
	before := p.snapshot("d1")
	p.post("d1", e.lines...)
	p.post("d2", e.lines...)
	got, want := p.snapshot("d1"), p.snapshot("d2")
	if got.Cursor != before.Cursor {
		t.Errorf("the events had a second effect: %s, then %s", before.Cursor, got.Cursor)
	}
	if unbroken := strings.ReplaceAll(want.String(), "d2", "d1"); got.String() != unbroken {
		t.Errorf("got %s\nwant %s", got, unbroken)
	}
	if got, want := query[string](t, p.dsn(), historySQL, "d1"), query[string](t, p.dsn(), historySQL, "d2"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The private server alone is killed, again and again: it is started again by itself, the
// streams stay open, and no write is acknowledged that is not there afterwards.
func TestThePrivateServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	p := launch(t, dataDir(t))
	p.post("d1", "")
	e := newEmitter("d1", provision(40))
	e.url.Store(p.url)
	s := p.stream("d1", "")
	s.until(p.replica, "d1")
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); e.run(rand.New(rand.NewPCG(1, 2)), stop) }()
	defer func() { close(stop); <-ended }()
	for range 3 {
		await(t, e.sent)
		killed := p.postgresPID()
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another server", func() bool { now := p.postgresPID(); return now != killed && alive(now) })
		goesOn(t, e)
	}
	<-ended
	if len(e.wrong) > 0 {
		t.Errorf("answers: %q", e.wrong)
	}
	p.waitReady()
	s.until(p.replica, "d1") // the same stream, which would have ended else
	wantAsIfUnbroken(t, p, e)
}

func goesOn(t *testing.T, e *emitter) {
	t.Helper()
	before := e.acknowledged()
	eventually(t, "the next acknowledgement", func() bool {
		return e.acknowledged() > before || e.acknowledged() == len(e.lines)
	})
}

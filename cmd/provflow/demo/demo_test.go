package demo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openova-io/provflow/service/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watchmaker is a clock that goes on only when somebody sleeps.
type watchmaker struct {
	mu    sync.Mutex
	now   time.Time
	naps  []time.Duration
	onNap func() // before a nap
}

func (w *watchmaker) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *watchmaker) Sleep(ctx context.Context, d time.Duration) error {
	if w.onNap != nil {
		w.onNap()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.naps = append(w.naps, d)
	w.now = w.now.Add(d)
	return ctx.Err()
}

// server takes events and remembers each body that came.
type server struct {
	*httptest.Server
	clock  *watchmaker
	mu     sync.Mutex
	paths  map[string]bool
	bodies [][]byte
	events []bridge.Event
	answer func(n int, w http.ResponseWriter) bool // of request n; true when it has answered
}

func setup(t *testing.T) (*server, Options, *bytes.Buffer) {
	t.Helper()
	clock := &watchmaker{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	s := &server{clock: clock, paths: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.Close)
	out := &bytes.Buffer{}
	return s, Options{Server: s.URL, Out: out, Client: s.Client(), Speed: DefaultSpeed, Now: clock.Now, Sleep: clock.Sleep}, out
}

func (s *server) take(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[r.Method+" "+r.URL.Path] = true
	s.bodies = append(s.bodies, body)
	if s.answer != nil && s.answer(len(s.bodies), w) {
		return
	}
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		e, err := bridge.ParseEvent(lines.Bytes(), s.clock.Now())
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid-event","detail":"`+strings.ReplaceAll(err.Error(), `"`, `'`)+`"}`)
			return
		}
		s.events = append(s.events, e)
	}
	_, _ = io.WriteString(w, `{"accepted":1,"version":1}`)
}

func TestRunPostsThePlanInItsOrder(t *testing.T) {
	t.Parallel()
	s, o, _ := setup(t)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var want []event
	for _, m := range planned(t) {
		want = append(want, m.events...)
	}
	if len(s.events) != len(want) {
		t.Fatalf("%d events were posted, want %d", len(s.events), len(want))
	}
	for i, got := range s.events {
		if got.Phase != want[i].Phase || got.Message != want[i].Message || got.State != want[i].State ||
			len(got.DependsOn) != len(want[i].DependsOn) {
			t.Fatalf("event %d is %+v, want %+v", i, got, want[i])
		}
		if i > 0 && got.Time.Before(s.events[i-1].Time) {
			t.Errorf("event %d is earlier than the one before it", i)
		}
	}
}

func TestRunTakesTheTimeItsSpeedSays(t *testing.T) {
	t.Parallel()
	for speed, want := range map[float64]time.Duration{DefaultSpeed: planned(t).length() / DefaultSpeed, 1: planned(t).length()} {
		s, o, _ := setup(t)
		o.Speed = speed
		began := s.clock.Now()
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if took := s.clock.Now().Sub(began); (took - want).Abs() > time.Second {
			t.Errorf("at speed %g it took %s, want %s", speed, took, want)
		}
	}
}

func TestRunNamesANewDeployment(t *testing.T) {
	t.Parallel()
	s, o, out := setup(t)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !s.paths["POST /api/v1/deployments/demo-20260504-120000/provisioner-events"] || len(s.paths) != 1 {
		t.Errorf("posted to %v", s.paths)
	}
	for _, want := range []string{"deployment demo-20260504-120000", "tofu-apply begins", "keycloak failed", "openbao degraded",
		"catalyst-platform installed", Hints(s.URL, "demo-20260504-120000")} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q was not said in\n%s", want, out)
		}
	}
}

func TestAServerThatIsAwayGetsTheSameBodyAgain(t *testing.T) {
	t.Parallel()
	s, o, _ := setup(t)
	s.answer = func(n int, w http.ResponseWriter) bool {
		if n != 3 && n != 4 {
			return false
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(s.bodies) != len(planned(t))+2 {
		t.Errorf("%d bodies came, want two more than %d", len(s.bodies), len(planned(t)))
	}
	if !bytes.Equal(s.bodies[2], s.bodies[3]) || !bytes.Equal(s.bodies[3], s.bodies[4]) {
		t.Error("what was sent again is not what was sent")
	}
	longNaps := 0
	for _, d := range s.clock.naps {
		if d == 7*time.Second {
			longNaps++
		}
	}
	if longNaps != 2 {
		t.Errorf("it waited as told %d times, want 2: %v", longNaps, s.clock.naps)
	}
}

func TestABrokenConnectionIsTriedAgainOnceTheServerWasThere(t *testing.T) {
	t.Parallel()
	s, o, _ := setup(t)
	s.answer = func(n int, _ http.ResponseWriter) bool {
		if n == 5 {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.bodies[4], s.bodies[5]) {
		t.Error("what was sent again is not what was sent")
	}
}

func TestAServerThatStaysAwayEndsIt(t *testing.T) {
	t.Parallel()
	s, o, _ := setup(t)
	s.answer = func(_ int, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"error":"database-unavailable","detail":"try again"}`)
		return true
	}
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "away for 1m0s") || !strings.Contains(err.Error(), "try again") {
		t.Errorf("%v, want how long it was away and what it said", err)
	}
}

func TestARefusalIsShownInTheServersWords(t *testing.T) {
	t.Parallel()
	s, o, _ := setup(t)
	s.answer = func(_ int, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid-event","detail":"line 1: no"}`)
		return true
	}
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "invalid-event") || !strings.Contains(err.Error(), "line 1: no") {
		t.Errorf("%v, want the server's words", err)
	}
	if len(s.bodies) != 1 {
		t.Errorf("it was sent %d times, want once", len(s.bodies))
	}
}

func TestNoServerSaysHowToStartOne(t *testing.T) {
	t.Parallel()
	s, o, _ := setup(t)
	s.Close()
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "provflow serve") {
		t.Errorf("%v, want what to do", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, o, _ := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.clock.onNap = func() {
		if len(s.clock.naps) == 10 {
			cancel()
		}
	}
	err := Run(ctx, o)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stays in deployment") {
		t.Errorf("%v, want that it was stopped and what became of it", err)
	}
	if len(s.bodies) > 11 {
		t.Errorf("%d bodies came after it was stopped", len(s.bodies))
	}
}

func TestBadOptionsAreRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Options){
		"speed -1":      func(o *Options) { o.Speed = -1 },
		"speed 0":       func(o *Options) { o.Speed = 0 },
		"base URL":      func(o *Options) { o.Server = "127.0.0.1:8080" },
		"deployment id": func(o *Options) { o.Deployment = "Not An Id" },
	} {
		s, o, _ := setup(t)
		change(&o)
		if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one about %s", err, want)
		}
		if len(s.bodies) > 0 {
			t.Errorf("%s: something was sent", want)
		}
	}
}

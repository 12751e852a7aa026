package sse

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// deadlined is a recorder that takes deadlines, as a connection does.
type deadlined struct{ *httptest.ResponseRecorder }

func (deadlined) SetWriteDeadline(time.Time) error { return nil }

// ended is how and when a stream of a drain ended.
type ended struct {
	after time.Duration
	body  string
}

// stage is some streams on one Streams, in a bubble with a clock of its own.
type stage struct {
	streams *Streams
	begun   time.Time
	work    sync.WaitGroup
	mu      sync.Mutex
	ended   []ended
}

func newStage() *stage { return &stage{streams: NewStreams(), begun: time.Now()} }

// open opens a stream that is silent until it ends.
func (s *stage) open(ctx context.Context) {
	s.work.Go(func() {
		w := deadlined{httptest.NewRecorder()}
		h := s.streams.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = Serve(w, r, make(source), Options{}) }))
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = append(s.ended, ended{time.Since(s.begun), w.Body.String()})
	})
}

// whole is a stream that was told when to come back, and ended between two frames.
var whole = regexp.MustCompile(`^retry: \d+\n\n(event: heartbeat\ndata: \{\}\n\n)*retry: (\d+)\n\n$`)

func TestDrainSpreadsTheEndsOverTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n, window, parts = 1000, 20 * time.Second, 10
		s := newStage()
		for range n {
			s.open(t.Context())
		}
		synctest.Wait()
		if s.streams.Open() != n || s.streams.Draining() {
			t.Fatalf("%d are open", s.streams.Open())
		}
		s.streams.Drain(t.Context(), 0, window)
		s.work.Wait()
		var inPart [parts]int
		retries := map[string]int{}
		for _, e := range s.ended {
			if e.after > window {
				t.Fatalf("one ended after %s", e.after)
			}
			inPart[min(int(e.after*parts/window), parts-1)]++
			said := whole.FindStringSubmatch(e.body)
			if said == nil {
				t.Fatalf("a stream was %q", e.body)
			}
			retries[said[2]]++
		}
		// A part's share is binomial with a standard deviation of 9.5: five of them.
		if least, most := slices.Min(inPart[:]), slices.Max(inPart[:]); least < 50 || most > 150 {
			t.Errorf("in each tenth of the window ended %v, want about 100", inPart)
		}
		if len(retries) < n/4 {
			t.Errorf("%d different retries among %d streams", len(retries), n)
		}
	})
}

func TestDrainLastsAsLongAsThereAreStreamsAndAMoment(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		streams            int
		least, window, max time.Duration
	}{
		"nobody there":                {0, 2 * time.Second, 10 * time.Second, 2 * time.Second},
		"nobody there, no time given": {0, 0, 0, 0},
		"one there":                   {1, 2 * time.Second, 10 * time.Second, 10 * time.Second},
		"no time given":               {3, 0, 0, 0},
		"a moment beyond the window":  {0, 5 * time.Second, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				for range tt.streams {
					s.open(t.Context())
				}
				synctest.Wait()
				s.streams.Drain(t.Context(), tt.least, tt.window)
				took := time.Since(s.begun)
				if took < min(tt.least, tt.window) || took > tt.max {
					t.Errorf("took %s", took)
				}
				s.work.Wait()
			})
		})
	}
}

func TestStreamsThatComeDuringTheDrainEndWithinIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		done := make(chan struct{})
		go func() { defer close(done); s.streams.Drain(t.Context(), 10*time.Second, 10*time.Second) }()
		for range 9 {
			time.Sleep(time.Second)
			s.open(t.Context())
		}
		<-done
		s.work.Wait()
		s.open(t.Context()) // too late: it is told to come back at once
		s.work.Wait()
		for i, e := range s.ended {
			if e.after > 10*time.Second || whole.FindString(e.body) == "" {
				t.Errorf("stream %s after %s: %q", strconv.Itoa(i), e.after, e.body)
			}
		}
	})
}

func TestAClientThatLeavesDuringTheDrainIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		client, leave := context.WithCancel(t.Context())
		s.open(client)
		synctest.Wait()
		done := make(chan struct{})
		go func() { defer close(done); s.streams.Drain(t.Context(), 0, time.Hour) }()
		synctest.Wait()
		leave()
		<-done
		s.work.Wait()
		if e := s.ended[0]; e.after != 0 || strings.Count(e.body, "retry") != 1 || s.streams.Open() != 0 {
			t.Errorf("got %+v", e)
		}
	})
}

func TestDrainThatIsBrokenOffEndsAllAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		s.open(t.Context())
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.streams.Drain(ctx, time.Minute, time.Hour)
		s.work.Wait()
		if e := s.ended[0]; e.after != 0 || whole.FindString(e.body) == "" {
			t.Errorf("got %+v", e)
		}
	})
}

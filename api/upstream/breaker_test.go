package upstream

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that moves when it is told to.
var discard = slog.New(slog.DiscardHandler)

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time           { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(by time.Duration) { c.at.Add(int64(by)) }

func TestABreakerOpensAndRecovers(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var well atomic.Bool
	u := newStub(t, false, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); well.Load() {
			writeSnapshot(w)
		} else {
			typed(500, "application/json", "{}")(w, r)
		}
	})
	now := &clock{}
	c, target := u.operator(t, Options{Now: now.now})
	ask := func(want int64, what string) {
		t.Helper()
		_, _ = c.Snapshot(t.Context(), target, "f")
		if got := asked.Load(); got != want {
			t.Errorf("%s: asked %d times, want %d", what, got, want)
		}
	}
	for i := range maxFailures {
		ask(int64(i+1), "closed")
	}
	ask(maxFailures, "open")
	if _, err := c.Stream(t.Context(), target, "f", ""); err == nil || c.Open() != 1 {
		t.Errorf("a stream passes: %v, %d open", err, c.Open())
	}
	now.advance(minOpen)
	ask(maxFailures+1, "half-open")
	now.advance(minOpen)
	ask(maxFailures+1, "open for longer")
	now.advance(minOpen)
	well.Store(true)
	ask(maxFailures+2, "half-open again")
	well.Store(false)
	for i := range maxFailures {
		ask(int64(maxFailures+3+i), "closed again")
	}
}

func TestOneTriesWhenABreakerIsHalfOpen(t *testing.T) {
	t.Parallel()
	now := &clock{}
	bs := newBreakers(now.now, discard)
	for range maxFailures {
		note(t, bs, failed)
	}
	now.advance(minOpen)
	done, err := bs.allow("h")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bs.allow("h"); err == nil {
		t.Error("two try at once")
	}
	done(abandoned) // the next may try
	note(t, bs, answered)
	if bs.open() != 0 || len(bs.hosts) != 0 {
		t.Error("it is not closed")
	}
}

func TestABreakerIsNotOpenForLongerThanItsMost(t *testing.T) {
	t.Parallel()
	now := &clock{}
	bs := newBreakers(now.now, discard)
	for range maxFailures + 20 {
		now.advance(maxOpen)
		note(t, bs, failed)
	}
	if got := bs.hosts["h"].open; got != maxOpen {
		t.Errorf("open for %s", got)
	}
}

func TestBreakersOfHostsNobodyAsksForAreForgotten(t *testing.T) {
	t.Parallel()
	now := &clock{}
	bs := newBreakers(now.now, discard)
	for i := range 5000 {
		now.advance(time.Second)
		done, err := bs.allow(string(rune(i + 1)))
		if err != nil {
			t.Fatal(err)
		}
		done(failed)
	}
	if n := len(bs.hosts); n > 1000 {
		t.Errorf("%d are kept", n)
	}
}

// Neither a client that leaves nor an answer that does not fit one flow closes the way
// for the others.
func TestWhatSaysNothingAgainstAHost(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 * maxFailures {
		if judge(gone, 0, context.Canceled) != abandoned || judge(t.Context(), 200, unfit("x")) != answered || judge(t.Context(), 404, nil) != answered {
			t.Fatal("it is a failure")
		}
	}
}

func note(t *testing.T, bs *breakers, o outcome) {
	t.Helper()
	done, err := bs.allow("h")
	if err != nil {
		t.Fatal(err)
	}
	done(o)
}

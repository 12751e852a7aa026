package sse

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/feed"
)

// longestSilence is what clients are promised.
const longestSilence = 15 * time.Second

// clocked is a connection that notes when something was written to it.
type clocked struct {
	*httptest.ResponseRecorder
	last    time.Time
	longest time.Duration
}

func (c *clocked) Write(b []byte) (int, error) {
	c.longest = max(c.longest, time.Since(c.last))
	c.last = time.Now()
	return c.ResponseRecorder.Write(b)
}

func (*clocked) SetWriteDeadline(time.Time) error { return nil }

// In a bubble with a clock of its own: whether the flow is still or changes all the time, a
// stream with the usual options is never silent for longer.
func TestNoStreamIsSilentForLongerThanIsPromised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src, w := make(source), &clocked{ResponseRecorder: httptest.NewRecorder(), last: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- Serve(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil), src, Options{}) }()
		for pause := time.Duration(0); pause < 30*time.Second; pause += 100 * time.Millisecond { // up to three heartbeats
			time.Sleep(pause)
			src <- feed.Batch{Frames: []feed.Frame{{Event: "upsert-flow", Data: []byte("{}")}}}
		}
		time.Sleep(time.Hour)
		cancel()
		if err := <-ended; err != nil || w.longest > longestSilence {
			t.Errorf("%v; it was silent for %s", err, w.longest)
		}
		if n := strings.Count(w.Body.String(), "event: heartbeat\ndata: {}\n\n"); n < 360 {
			t.Errorf("%d heartbeats", n)
		}
	})
}

package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// silentLog is the log of an execution that goes on and says nothing.
type silentLog struct{}

func (silentLog) LogPage(context.Context, string, int64, int) (flow.LogPage, error) {
	return flow.LogPage{}, nil
}

// In a bubble with a clock of its own: a proxy between sees no stream that is silent for long.
func TestASilentLogIsHeardOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		tails := feed.NewTails(silentLog{}, feed.TailOptions{})
		ended := make(chan error, 2)
		go func() { ended <- tails.Run(ctx) }()
		lines, err := tails.Follow(ctx, "d1:install-cilium:1", 1)
		if err != nil {
			t.Fatal(err)
		}
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		go func() { ended <- sendLog(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), lines) }()
		time.Sleep(time.Minute + time.Second)
		if n := strings.Count(w.text(), "event: heartbeat\ndata: {}\n\n"); n != 6 {
			t.Errorf("%d heartbeats in a minute, want 6: %q", n, w.text())
		}
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		lines.Close()
	})
}

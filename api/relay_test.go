package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/api/sse"
	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// silentFlow is a deployment without a flow: an empty snapshot, then what the channel gives.
type silentFlow struct {
	begun bool
	more  chan feed.Batch
}

func (s *silentFlow) Next(ctx context.Context) (feed.Batch, error) {
	if !s.begun {
		s.begun = true
		return feed.Batch{Frames: []feed.Frame{{Event: flow.TypeSnapshot, Data: []byte(`"empty"`)}}}, nil
	}
	select {
	case b := <-s.more:
		return b, nil
	case <-ctx.Done():
		return feed.Batch{}, ctx.Err()
	}
}

// deadlined is a recorder that takes deadlines, as a connection does.
type deadlined struct {
	*httptest.ResponseRecorder
	mu sync.Mutex // one goroutine writes, another reads
}

func (d *deadlined) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ResponseRecorder.Write(b)
}

func (d *deadlined) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Body.String()
}

func (*deadlined) SetWriteDeadline(time.Time) error { return nil }

// In a bubble with a clock of its own: an upstream that is never there is tried ever
// more seldom, and the client hears a heartbeat in every silence.
func TestAnUpstreamThatStaysAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		out, err := sse.Start(w, sse.Options{})
		if err != nil {
			t.Fatal(err)
		}
		local := &silentFlow{more: make(chan feed.Batch)}
		var tries []time.Time
		l := &relay{out: out, local: local, again: true, note: func(error) {}, open: func(context.Context) (*upstream.Stream, error) {
			tries = append(tries, time.Now())
			return nil, errNoUpstream
		}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.run(ctx) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for i := range tries[1:] {
			if pause := tries[i+1].Sub(tries[i]); pause < relayPause/2 || pause > relayLongestPause {
				t.Errorf("pause %d: %s", i, pause)
			}
		}
		if n := len(tries); n < 20 || n > 60 {
			t.Errorf("%d tries in ten minutes", n)
		}
		if n := strings.Count(w.text(), "event: heartbeat"); n != 59 && n != 60 {
			t.Errorf("%d heartbeats in ten minutes", n)
		}
		if n := strings.Count(w.text(), `data: "empty"`); n != 1 {
			t.Errorf("%d empty snapshots", n)
		}
		local.more <- feed.Batch{Frames: []feed.Frame{{Event: flow.TypeSnapshot, Data: []byte(`"here"`)}}, After: flow.Cursor{Epoch: "e", Version: 1}}
		synctest.Wait()
		if !strings.HasSuffix(w.text(), "event: snapshot\nid: e.1\ndata: \"here\"\n\n") {
			t.Errorf("the flow is not shown: …%q", w.text()[max(0, len(w.text())-100):])
		}
		seen := len(tries)
		time.Sleep(time.Hour)
		cancel()
		if err := <-ended; err != nil || len(tries) != seen {
			t.Errorf("%v; the upstream was asked %d times more", err, len(tries)-seen)
		}
	})
}

// What a client was shown stays on its screen, whatever becomes of the upstream, until that
// says itself that there is nothing.
func TestWhatAnUpstreamHasShownStays(t *testing.T) {
	t.Parallel()
	w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	out, err := sse.Start(w, sse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &relay{out: out, shows: there, empty: &feed.Batch{Frames: []feed.Frame{{Event: flow.TypeSnapshot, Data: []byte(`"empty"`)}}}}
	says := func(status int) error { return &upstream.RefusedError{Answer: upstream.Answer{Status: status}} }
	for _, err := range []error{io.ErrUnexpectedEOF, errNoUpstream, says(http.StatusForbidden), says(http.StatusBadGateway)} {
		if sent, failed := l.takeRemote(heard{err: err}); sent || failed != nil || strings.Contains(w.text(), "empty") {
			t.Errorf("after %v: %q, %v", err, w.text(), failed)
		}
	}
	if sent, err := l.takeRemote(heard{err: says(http.StatusNotFound)}); !sent || err != nil || !strings.Contains(w.text(), `"empty"`) {
		t.Errorf("when there is nothing: %q, %v", w.text(), err)
	}
}

// Slowness is not shown as silence: what is known here is shown after a while.
func TestASlowUpstreamKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		out, err := sse.Start(w, sse.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := &relay{out: out, local: &silentFlow{}, again: true, note: func(error) {}, open: func(ctx context.Context) (*upstream.Stream, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), relayPatience+time.Millisecond)
		defer cancel()
		if err := l.run(ctx); err != nil || !strings.HasSuffix(w.text(), "event: snapshot\nid: .0\ndata: \"empty\"\n\n") {
			t.Errorf("%v: %q", err, w.text())
		}
	})
}

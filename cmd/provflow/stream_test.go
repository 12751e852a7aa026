package main

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/openova-io/provflow/api/console"
	"github.com/openova-io/provflow/service/flow"
)

// frame is one event of a stream.
type frame struct{ event, id, data string }

// stream is a client of a flow's stream that folds what it gets.
type stream struct {
	t      testing.TB
	frames chan frame // closed when the stream has ended
	state  *browser
	close  func()
	beats  int // how many heartbeats came in a row
}

// mostBeats bounds a wait for something else, which heartbeats would make endless.
const mostBeats = 8

func (r *replica) stream(flowID, lastEventID string) *stream {
	r.t.Helper()
	return r.streamAt("/api/v1/flows/"+flowID+"/stream", lastEventID)
}

// streamAt is stream at any path.
func (r *replica) streamAt(path, lastEventID string) *stream {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	res, err := cmp.Or(r.client, http.DefaultClient).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		r.t.Fatalf("stream: %d %s", res.StatusCode, b)
	}
	s := &stream{t: r.t, frames: make(chan frame), state: newBrowser(), close: cancel}
	r.t.Cleanup(cancel)
	go s.read(ctx, res.Body)
	return s
}

func (s *stream) read(ctx context.Context, body io.ReadCloser) {
	defer close(s.frames)
	defer body.Close()
	_ = console.Read(body, func(f console.Frame) bool {
		select {
		case s.frames <- frame{f.Event, f.ID, f.Data}:
			return true
		case <-ctx.Done():
			return false
		}
	})
}

// next waits for a frame and folds it; ok is false when the stream has ended.
func (s *stream) next() (f frame, ok bool) {
	s.t.Helper()
	select {
	case f, ok = <-s.frames:
	case <-time.After(patience):
		s.t.Fatal("no frame came")
	}
	if s.beats++; f.event != "heartbeat" {
		s.beats = 0
	}
	if s.beats == mostBeats {
		s.t.Fatalf("nothing but heartbeats; the stream is at %s", s.state.Cursor)
	}
	if ok {
		s.state.fold(s.t, f)
	}
	return f, ok
}

// beyond reports whether the stream has passed a cursor without stopping at it: changes that
// come fast are one frame.
func (s *stream) beyond(cursor string) bool {
	at, want := flow.ParseCursor(s.state.Cursor), flow.ParseCursor(cursor)
	return at.Epoch == want.Epoch && at.Version > want.Version
}

// until folds frames until the fold is what the replica's snapshot says, at its cursor.
func (s *stream) until(r *replica, flowID string) {
	s.t.Helper()
	want := r.snapshot(flowID)
	for s.state.Cursor != want.Cursor {
		if _, ok := s.next(); !ok {
			s.t.Fatalf("the stream ended at %s, before %s", s.state.Cursor, want.Cursor)
		}
		if s.beyond(want.Cursor) {
			want = r.snapshot(flowID)
		}
	}
	if wrong := s.state.differs(want); wrong != "" {
		s.t.Fatalf("the fold differs from the snapshot at %s:\n%s", want.Cursor, wrong)
	}
}

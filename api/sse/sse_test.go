package sse

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bound = time.Minute

// source gives the batches of a channel, and ErrGone when it is closed.
type source chan feed.Batch

func (s source) Next(ctx context.Context) (feed.Batch, error) {
	select {
	case b, ok := <-s:
		if !ok {
			return b, feed.ErrGone
		}
		return b, nil
	case <-ctx.Done():
		return feed.Batch{}, ctx.Err()
	}
}

func at(v int64) flow.Cursor { return flow.Cursor{Epoch: "e", Version: v} }

func batch(from, to int64, events ...string) feed.Batch {
	b := feed.Batch{Before: at(from), After: at(to)}
	for _, e := range events {
		b.Frames = append(b.Frames, feed.Frame{Event: e, Data: []byte(`{"n":1}`)})
	}
	return b
}

// wrapped hides everything of a ResponseWriter but what Unwrap gives back.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serve streams src from a server; ended gets what Serve gave.
func serve(t *testing.T, src Source, opts Options, http2 bool) (srv *httptest.Server, ended chan error) {
	t.Helper()
	ended = make(chan error, 8)
	srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Stands for the server's own write timeout, which streams outlive.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		ended <- Serve(wrapped{w}, r, src, opts)
	}))
	if srv.EnableHTTP2 = http2; http2 {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv, ended
}

type stream struct {
	t    *testing.T
	body *bufio.Reader
	resp *http.Response
}

func get(t *testing.T, srv *httptest.Server) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &stream{t, bufio.NewReader(resp.Body), resp}
}

// block reads up to the next empty line.
func (s *stream) block() string {
	s.t.Helper()
	var b strings.Builder
	for {
		line, err := s.body.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := make(source)
			srv, ended := serve(t, src, Options{Heartbeat: 100 * time.Millisecond}, http2)
			s := get(t, srv)
			if (s.resp.ProtoMajor == 2) != http2 {
				t.Fatalf("got %s", s.resp.Proto)
			}
			checkHeaders(t, s.resp.Header)
			if got := s.block(); !regexp.MustCompile(`^retry: [12]\d{3}\n$`).MatchString(got) {
				t.Fatalf("got %q", got)
			}
			// Each comes while the handler runs on, and outlives the server's write timeout.
			s.want(beat)
			src <- batch(3, 5, "upsert-nodes", "upsert-flow")
			s.want("event: upsert-nodes\nid: e.3\ndata: {\"n\":1}\n")
			s.want("event: upsert-flow\nid: e.5\ndata: {\"n\":1}\n")
			s.want(beat)
			src <- batch(5, 6, "upsert-flow")
			s.want("event: upsert-flow\nid: e.6\ndata: {\"n\":1}\n")
			close(src)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		})
	}
}

const beat = "event: heartbeat\ndata: {}\n"

// want reads a block, past heartbeats unless it is one.
func (s *stream) want(block string) {
	s.t.Helper()
	got := s.block()
	for got == beat && block != beat {
		got = s.block()
	}
	if got != block {
		s.t.Fatalf("got %q, want %q", got, block)
	}
}

func checkHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestClientThatLeavesEndsItsStream(t *testing.T) {
	t.Parallel()
	srv, ended := serve(t, make(source), Options{}, false)
	s := get(t, srv)
	s.block()
	_ = s.resp.Body.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// flood gives a large batch whenever it is asked.
type flood struct{ data []byte }

func (f flood) Next(ctx context.Context) (feed.Batch, error) {
	return feed.Batch{Frames: []feed.Frame{{Event: "snapshot", Data: f.data}}, After: at(1)}, ctx.Err()
}

func TestClientThatDoesNotReadEndsOnlyItself(t *testing.T) {
	t.Parallel()
	src := flood{bytes.Repeat([]byte("x"), 1<<20)}
	ended := make(chan error, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/deaf" {
			ended <- Serve(w, r, src, Options{WriteTimeout: 100 * time.Millisecond})
			return
		}
		_ = Serve(w, r, src, Options{}) // of which the time does not count
	}))
	t.Cleanup(srv.Close)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("GET /deaf HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	other := get(t, srv)
	for late := time.After(20 * time.Second); ; {
		other.block()
		select {
		case <-late:
			t.Fatal("the one that does not read is never given up")
		case err := <-ended:
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("got %v", err)
			}
			other.block()
			return
		default:
		}
	}
}

func TestWriterThatCannotStreamIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	err := Serve(struct{ http.ResponseWriter }{rec}, httptest.NewRequest(http.MethodGet, "/", nil), make(source), Options{})
	if !errors.Is(err, http.ErrNotSupported) || len(rec.Header()) > 0 || rec.Body.Len() > 0 {
		t.Fatalf("got %v, %v", err, rec.Header())
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a\nb", "a\rb"} {
		if _, err := NewEvent(s); err == nil {
			t.Errorf("event %q", s)
		}
		if _, err := NewID(s); err == nil {
			t.Errorf("id %q", s)
		}
	}
	if id := CursorID(flow.Cursor{Epoch: "a\nb"}); id != (ID{}) {
		t.Errorf("got %v", id)
	}
}

func TestFrameIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.StringOfN(rapid.RuneFrom([]rune("ab:\r\n ")), 0, 20, -1).Draw(t, "data")
		f := Frame{Event: MustEvent("line"), ID: NumberID(7), Data: []byte(data)}
		head, tail, _ := strings.Cut(string(f.append(nil)), "data: ")
		if head != "event: line\nid: 7\n" || !strings.HasSuffix(tail, "\n\n") {
			t.Fatalf("got %q %q", head, tail)
		}
		got := strings.Join(strings.Split(strings.TrimSuffix(tail, "\n\n"), "\ndata: "), "\n")
		if want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestLastEventID(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/?lastEventId=e.1", nil)
	if got := LastEventID(r); got != "e.1" {
		t.Errorf("got %q", got)
	}
	r.Header.Set("Last-Event-ID", "e.2")
	if got := LastEventID(r); got != "e.2" {
		t.Errorf("got %q", got)
	}
}

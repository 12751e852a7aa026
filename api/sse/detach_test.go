package sse

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/feed"
)

// detached serves a handler below a Streams' Detach.
func detached(t *testing.T, h http.HandlerFunc) (*httptest.Server, *Streams) {
	t.Helper()
	streams := NewStreams()
	srv := httptest.NewServer(streams.Detach(h))
	t.Cleanup(func() {
		srv.Close()
		ctx, cancel := context.WithTimeout(context.Background(), bound)
		defer cancel()
		if err := streams.Wait(ctx); err != nil {
			t.Errorf("%d are still there: %v", streams.detached, err)
		}
	})
	return srv, streams
}

func fetch(t *testing.T, srv *httptest.Server, path string) (*http.Response, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

func TestDetachedStreamIsWhole(t *testing.T) {
	t.Parallel()
	src, long := make(source, 2), strings.Repeat("x", 100_000)
	srv, _ := detached(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "r1")
		if err := Serve(wrapped{w}, r, src, Options{Retry: time.Second}); err != nil {
			t.Error(err)
		}
	})
	src <- batch(1, 2, "upsert-flow")
	src <- feed.Batch{Before: at(2), After: at(3), Frames: []feed.Frame{{Event: "snapshot", Data: []byte(long)}}}
	close(src)
	res, body, err := fetch(t, srv, "/stream")
	if err != nil {
		t.Fatal(err)
	}
	checkHeaders(t, res.Header)
	want := "retry: 1000\n\nevent: upsert-flow\nid: e.2\ndata: {\"n\":1}\n\nevent: snapshot\nid: e.3\ndata: " + long + "\n\n"
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Request-Id") != "r1" || body != want {
		t.Errorf("got %s %v %q", res.Status, res.Header, body)
	}
}

func TestOnlyStreamsAreDetached(t *testing.T) {
	t.Parallel()
	srv, _ := detached(t, func(w http.ResponseWriter, _ *http.Request) {
		_, ours := w.(*conn)
		w.WriteHeader(http.StatusTeapot)
		if ours {
			_, _ = io.WriteString(w, "detached")
		}
	})
	for path, want := range map[string]string{"/a/stream": "detached", "/a/stream?x=1": "detached", "/a%2Fstream": "", "/stream/a": ""} {
		if res, body, err := fetch(t, srv, path); err != nil || body != want || res.StatusCode != http.StatusTeapot {
			t.Errorf("%s: got %q, %v", path, body, err)
		}
	}
}

func TestDetachedAnswerWithoutABody(t *testing.T) {
	t.Parallel()
	srv, _ := detached(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotModified)
		if _, err := io.WriteString(w, "x"); err == nil {
			t.Error("a body was taken")
		}
	})
	if res, body, err := fetch(t, srv, "/stream"); err != nil || res.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("got %q, %v", body, err)
	}
}

// Half an answer does not pass for a whole one, and the server goes on.
func TestDetachedHandlerThatPanics(t *testing.T) {
	t.Parallel()
	srv, _ := detached(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	for range 2 {
		if _, body, err := fetch(t, srv, "/stream"); err == nil || body != "half" {
			t.Errorf("got %q, %v", body, err)
		}
	}
}

func TestDetachedClientThatLeavesEndsItsStream(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	srv, streams := detached(t, func(w http.ResponseWriter, r *http.Request) { ended <- Serve(w, r, make(source), Options{}) })
	ctx, leave := context.WithTimeout(t.Context(), bound)
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithCancel(t.Context())
	cancel()
	if streams.Wait(soon) == nil {
		t.Error("nobody waits for a stream that is open")
	}
	leave()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

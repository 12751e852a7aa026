package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
)

// openStream begins a stream and gives its bytes as they are.
func (r *replica) openStream(flowID string) *http.Response {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	r.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/v1/flows/"+flowID+"/stream", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestAnUpstreamsStreamPassesByteForByte(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint("known ", known), func(t *testing.T) {
			t.Parallel()
			pieces := make(chan string)
			o := newOther(t, nil)
			o.answer.Store(o.streams(pieces))
			r := start(t, dbtest.New(t), o.options())
			if known {
				r.putDeployment("u1", `{}`)
			}
			res := r.openStream("u1")
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" ||
				res.Header.Get("Cache-Control") != "no-cache, no-transform" || res.Header.Get("X-Accel-Buffering") != "no" {
				t.Fatalf("%d %v", res.StatusCode, res.Header)
			}
			read := func(n int) string {
				b := make([]byte, n)
				for at := 0; at < n; {
					m, err := res.Body.Read(b[at:])
					if at += m; err != nil {
						t.Fatalf("after %q: %v", b[:at], err)
					}
				}
				return string(b)
			}
			read(len("retry: 1234\n\n"))
			// Each is read before the next one is sent: nothing is held back.
			for _, e := range []string{otherEvent, ": a comment\n\n", "event: upsert-flow\r\nid: 42\r\ndata:{}\r\n\r\n", "id: x\nfoo: bar\ndata\n\n"} {
				pieces <- e[:7]
				pieces <- e[7:]
				if got := read(len(e)); got != e {
					t.Errorf("got %q, want %q", got, e)
				}
			}
		})
	}
}

// The first local job takes a client over in the middle of an event of the upstream, on
// the same connection, and no state is lost.
func TestTheFirstJobTakesTheStreamOver(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint("known ", known), func(t *testing.T) {
			t.Parallel()
			pieces := make(chan string)
			o := newOther(t, nil)
			o.answer.Store(o.streams(pieces))
			dsn := dbtest.New(t)
			r, elsewhere := start(t, dsn, o.options()), start(t, dsn)
			if known {
				r.putDeployment("u1", `{}`)
			}
			s := r.stream("u1", "")
			pieces <- otherEvent
			if s.next(); s.state.status("u1:n") != "running" || s.state.Cursor != "41" {
				t.Fatalf("state %s at %s", s.state, s.state.Cursor)
			}
			pieces <- `data: {"type":"upsert-nodes","nodes":[{"id":"u1:half`
			elsewhere.post("u1", event(0, "tofu-init"))
			elsewhere.post("u1", event(5, "tofu-plan"))
			s.until(r, "u1")
			if s.state.status("u1:n") != "" || s.state.status("u1:tofu-plan") != "running" {
				t.Errorf("state %s", s.state)
			}
			select {
			case <-o.left:
			case <-time.After(patience):
				t.Error("the upstream's stream is still open")
			}
			elsewhere.post("u1", event(9, "tofu-apply"))
			s.until(r, "u1")
		})
	}
}

// However the two interleave, the client holds in the end what is here.
func TestNoStateIsLostOnTheWayOver(t *testing.T) {
	t.Parallel()
	o := newOther(t, nil)
	o.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for ctl := http.NewResponseController(w); r.Context().Err() == nil; {
			_, _ = w.Write([]byte(otherEvent))
			_ = ctl.Flush()
		}
	}))
	r := start(t, dbtest.New(t), o.options())
	var clients []*stream
	for range 8 {
		clients = append(clients, r.stream("u1", ""))
	}
	for i := range 10 {
		r.post("u1", component(float64(i), fmt.Sprint("c", i), "installed"))
		for range 5 {
			for _, s := range clients {
				s.next()
			}
		}
	}
	for _, s := range clients {
		s.until(r, "u1")
	}
}

func TestAKnownDeploymentsUpstreamIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := newOther(t, refuses)
	r := start(t, dbtest.New(t), o.options())
	r.putDeployment("u1", `{}`)
	s := r.stream("u1", "")
	if f, _ := s.next(); f.event != "snapshot" || len(s.state.Nodes.ByID) != 0 {
		t.Fatalf("began with %+v", f)
	}
	pieces := make(chan string)
	o.answer.Store(o.streams(pieces))
	pieces <- otherEvent
	for s.state.status("u1:n") != "running" {
		if f, ok := s.next(); !ok {
			t.Fatalf("the stream ended with %+v", f)
		}
	}
	// It goes, and what was shown of it stays until it says that there is nothing.
	o.answer.Store(http.HandlerFunc(refuses))
	o.CloseClientConnections()
	for f, ok := s.next(); len(s.state.Nodes.ByID) != 0; f, ok = s.next() { // a heartbeat may come before
		if !ok {
			t.Fatalf("the stream ended with %+v", f)
		}
	}
	r.post("u1", event(0, "tofu-init"))
	s.until(r, "u1")
}

func TestAnUnknownFlowsStreamEndsWithTheUpstreams(t *testing.T) {
	t.Parallel()
	o := newOther(t, nil)
	pieces := make(chan string)
	o.answer.Store(o.streams(pieces))
	r := start(t, dbtest.New(t), o.options())
	s := r.stream("u1", "")
	pieces <- otherEvent
	s.next()
	o.CloseClientConnections()
	if f, ok := s.next(); ok {
		t.Errorf("went on with %+v", f)
	}
	for status, want := range map[int]int{404: 404, 403: 403, 500: 500} {
		o.answer.Store(says(status, "application/json", `{"error":"x"}`))
		if a := r.get("/api/v1/flows/u1/stream"); a.status != want || a.body != `{"error":"x"}` {
			t.Errorf("%d: %d %s", status, a.status, a.body)
		}
	}
}

func TestAServerStopsWithProxiedStreams(t *testing.T) {
	t.Parallel()
	o := newOther(t, nil)
	pieces := map[string]chan string{"u1": make(chan string), "d1": make(chan string)}
	o.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.streams(pieces[strings.Split(r.URL.Path, "/")[3]])(w, r)
	}))
	r := start(t, dbtest.New(t), o.options())
	r.putDeployment("d1", `{}`)
	streams := []*stream{r.stream("u1", ""), r.stream("d1", "")}
	for i, id := range []string{"u1", "d1"} {
		pieces[id] <- otherEvent
		streams[i].next()
	}
	r.stop()
	for _, s := range streams {
		if f, ok := s.next(); ok {
			t.Errorf("went on with %+v", f)
		}
	}
}

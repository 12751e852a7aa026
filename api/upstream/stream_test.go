package upstream

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

// events answers with a stream, written piece by piece as they come from the channel.
func events(pieces <-chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		ctl := http.NewResponseController(w)
		_ = ctl.Flush()
		for {
			select {
			case p, ok := <-pieces:
				if !ok {
					return
				}
				_, _ = w.Write([]byte(p))
				_ = ctl.Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestAStreamComesEventByEvent(t *testing.T) {
	t.Parallel()
	for name, tls := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pieces := make(chan string)
			u := newStub(t, tls, events(pieces))
			c := u.client(t, Options{Resolver: startDNS(t, map[string][]string{"openova-flow.x.example.": {"127.0.0.1"}}), AllowCIDRs: []string{"127.0.0.1"}})
			target := mustTarget(t, c, "x.example")
			if !tls {
				c, target = u.operator(t, Options{})
			}
			s, err := c.Stream(t.Context(), target, "f", "")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, e := range []string{"event: a\ndata: 1\n\n", ": ping\n\n", "data: 2\r\nid: 7\r\n\r\n"} {
				pieces <- e[:5]
				pieces <- e[5:]
				if got, err := s.Next(); string(got) != e || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			}
			pieces <- "data: cut"
			close(pieces)
			if got, err := s.Next(); err == nil {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestASilentStreamEnds(t *testing.T) {
	t.Parallel()
	pieces := make(chan string, 1)
	pieces <- "data: 1\n\n"
	c, target := newStub(t, false, events(pieces)).operator(t, Options{Idle: soon})
	s, err := c.Stream(t.Context(), target, "f", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); !errors.Is(err, errSilent) {
		t.Errorf("got %v", err)
	}
}

func TestAStreamEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c, target := newStub(t, false, events(nil)).operator(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Stream(ctx, target, "f", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cancel()
	if _, err := s.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoStream(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		refused int
	}{
		"JSON":      {typed(200, "application/json", snapshot), 0},
		"its 404":   {typed(404, "application/json", "{}"), 404},
		"an error":  {typed(500, "text/plain", "no"), 500},
		"a gateway": {typed(502, "text/html", "no"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, target := newStub(t, false, c.answer).operator(t, Options{})
			_, err := client.Stream(t.Context(), target, "f", "")
			var refused *RefusedError
			if errors.As(err, &refused); err == nil || (refused != nil) != (c.refused != 0) || refused != nil && refused.Status != c.refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnEventWithoutEndEndsTheStream(t *testing.T) {
	t.Parallel()
	u := newStub(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for mega := make([]byte, 1<<20); r.Context().Err() == nil; {
			if _, err := w.Write(mega); err != nil {
				return
			}
		}
	})
	c, target := u.operator(t, Options{})
	s, err := c.Stream(t.Context(), target, "f", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Next(); err == nil {
		t.Errorf("got %d bytes", len(got))
	}
}

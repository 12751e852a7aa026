package sse

import (
	"context"
	"net"
	"net/http"
	"strings"
)

// Detach serves streams apart from net/http, which holds 30 KiB for each connection that
// is being answered: buffers, and a stack as deep as everything it does before the handler.
// The connection is taken over before anything is written, and the handlers go on in a
// goroutine that has only them on its stack. All other requests, and those whose
// connection cannot be had (HTTP/2, HTTP/1.0, a test's), are passed on as they are.
func (s *Streams) Detach(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !detachable(r) {
			next.ServeHTTP(w, r)
			return
		}
		taken, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		c := &conn{taken: taken, header: w.Header()}
		ctx, gone := context.WithCancel(context.WithoutCancel(r.Context()))
		s.count(1)
		go func() {
			defer s.count(-1)
			defer c.listen(gone)()
			c.serve(next, r.WithContext(ctx))
		}()
	})
}

// detachable goes by the path as it was sent, in which a slash that is part of an id is
// escaped.
func detachable(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.Body == http.NoBody &&
		strings.HasSuffix(r.URL.EscapedPath(), "/stream")
}

func (s *Streams) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detached += n
	s.tellLeft()
}

// Wait waits until all that was detached has ended, or until ctx ends. It is for after
// Drain: an http.Server does not wait for what it has given away.
func (s *Streams) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		n := s.detached
		s.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-s.left:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen has `gone` called when the client leaves. The function it gives closes the
// connection.
func (c *conn) listen(gone func()) (closeBoth func()) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		hear(c.taken, gone)
	}()
	return func() {
		_ = c.taken.Close()
		<-left
	}
}

// hear waits for the end of what the client says. Of one that says more than its request
// nothing else is heard, as in net/http: reading it on would cost a call for each byte. That
// it has left is noticed when it is written to.
func hear(c net.Conn, gone func()) {
	if _, err := c.Read(make([]byte, 1)); err != nil {
		gone()
	}
}

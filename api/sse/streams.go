package sse

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// errDrained ends a stream whose time has come.
var errDrained = errors.New("sse: the server is stopping")

// Streams knows which streams are open, and ends them one by one before the server stops:
// clients that lost their streams all at once would all be back at once. All methods may
// be called concurrently.
type Streams struct {
	mu       sync.Mutex
	open     map[*life]struct{}
	draining bool
	until    time.Time     // by then all are told to end
	left     chan struct{} // size 1: a stream has ended
	detached int           // see Detach
}

// life is one open stream.
type life struct {
	end   context.CancelCauseFunc
	timer *time.Timer // nil: nothing is planned
}

// NewStreams makes a Streams.
func NewStreams() *Streams {
	return &Streams{open: map[*life]struct{}{}, left: make(chan struct{}, 1)}
}

// Open is how many streams are open.
func (s *Streams) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Draining reports whether Drain was called.
func (s *Streams) Draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Handler is for handlers that stream. When a stream is to end its context does, at which
// the handler stops between two frames; the client is then told how long to wait before
// it comes back, each another while.
func (s *Streams) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancelCause(r.Context())
		l := &life{end: cancel}
		s.add(l)
		defer s.remove(l)
		next.ServeHTTP(w, r.WithContext(ctx))
		if errors.Is(context.Cause(ctx), errDrained) && w.Header().Get("Content-Type") == contentType {
			bidFarewell(w)
		}
	})
}

// Drain ends every stream at a random moment of the window, also those that come
// meanwhile, and returns when none is left: not before `least` has passed, so that who
// balances between servers can have noticed, and not after the window. When it returns,
// or when ctx ends, whatever is still open has been told to end. It is called once.
func (s *Streams) Drain(ctx context.Context, least, window time.Duration) {
	s.begin(window)
	defer s.endAll()
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	timer := time.NewTimer(min(least, window))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	for s.Open() > 0 && ctx.Err() == nil {
		select {
		case <-s.left:
		case <-ctx.Done():
		}
	}
}

func (s *Streams) begin(window time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining, s.until = true, time.Now().Add(window)
	for l := range s.open {
		s.plan(l)
	}
}

// plan chooses a stream's last moment; with mu held.
func (s *Streams) plan(l *life) {
	rest := time.Until(s.until)
	if rest <= 0 {
		l.end(errDrained)
		return
	}
	l.timer = time.AfterFunc(rand.N(rest), func() { l.end(errDrained) })
}

func (s *Streams) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Now()
	for l := range s.open {
		l.end(errDrained)
	}
}

func (s *Streams) add(l *life) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[l] = struct{}{}
	if s.draining {
		s.plan(l)
	}
}

func (s *Streams) remove(l *life) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.end(nil)
	delete(s.open, l)
	s.tellLeft()
}

func (s *Streams) tellLeft() {
	select {
	case s.left <- struct{}{}:
	default:
	}
}

// bidFarewell writes nothing but `retry:`: of an event there is no half. It was told at the
// beginning, and is once more because a client goes by the last it heard: on a stream that is
// passed on that may be the upstream's, and all would be back at the same time. A client that
// is gone need not be told.
func bidFarewell(w http.ResponseWriter) {
	s := &Writer{w: w, ctl: http.NewResponseController(w), opts: Options{}.withDefaults()}
	_ = s.sendRetry()
}

package reqlog

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
)

// Options say who hears of requests. The zero value of each field gives its default.
type Options struct {
	Logger *slog.Logger
	// Done is told of every request that has ended. It is called concurrently and must
	// not block. Default: nobody is.
	Done func(Request)
	// Quiet are the patterns of routes that are asked all the time by machines: they are
	// logged for debugging only, however they end.
	Quiet []string
	Now   func() time.Time
}

func (o Options) withDefaults() Options {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Done == nil {
		o.Done = func(Request) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Request is how a request went. Route is the pattern that matched it, not its path, so
// that there are only so many; it is empty where none did.
type Request struct {
	Method   string
	Route    string
	Status   int
	Bytes    int64 // of the answer's body
	Stream   bool  // the answer was a stream of events, and Duration its life
	Duration time.Duration
}

// New gives the middleware of a chi router. It stands before all others, and also
// answers 500 to a request whose handler panics.
func New(o Options) func(http.Handler) http.Handler {
	o = o.withDefaults()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.serve(next, w, r) })
	}
}

func (o Options) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	n := &note{id: idOr(r.Header.Get(Header))}
	ctx := context.WithValue(r.Context(), key{}, n)
	w.Header().Set(Header, n.id)
	counted, begun := &writer{ResponseWriter: w}, o.Now()
	defer func() { o.end(ctx, counted, r, o.Now().Sub(begun)) }()
	defer o.recovered(ctx, counted)
	next.ServeHTTP(counted, r.WithContext(ctx))
}

// recovered answers for a handler that panicked. Where its answer has begun, the
// connection is cut: half an answer must not pass for a whole one.
func (o Options) recovered(ctx context.Context, w *writer) {
	p := recover()
	switch p {
	case nil:
		return
	case http.ErrAbortHandler:
		panic(p)
	}
	o.Logger.ErrorContext(ctx, "a handler panicked", "panic", p, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write([]byte(`{"error":"internal","detail":"see the log"}`)) // the client is gone; there is nobody to tell
}

func (o Options) end(ctx context.Context, w *writer, r *http.Request, took time.Duration) {
	done := Request{
		Method: method(r), Route: chi.RouteContext(ctx).RoutePattern(), Status: w.code(), Bytes: w.bytes,
		Stream: w.streams(), Duration: took,
	}
	o.Done(done)
	level := o.level(done)
	if !o.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", done.Method), slog.String("route", done.Route), slog.Int("status", done.Status),
		slog.Int64("bytes", done.Bytes), slog.Float64("ms", float64(took.Microseconds())/1000),
	}
	if who := noteOf(ctx).principal; who != "" {
		attrs = append(attrs, slog.String("principal", who))
	}
	o.Logger.LogAttrs(ctx, level, "request", attrs...)
}

// level sets writes and errors apart from what many clients do all the time.
func (o Options) level(r Request) slog.Level {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if slices.Contains(o.Quiet, r.Route) || reads && r.Status < http.StatusBadRequest {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// method is one of a few: a client may send any word.
func method(r *http.Request) string {
	if slices.Contains(methods, r.Method) {
		return r.Method
	}
	return "other"
}

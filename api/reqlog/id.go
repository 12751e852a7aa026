package reqlog

import (
	"context"
	"crypto/rand"
	"log/slog"
)

// Header carries a request's id, in and out.
const Header = "X-Request-Id"

// maxID is the longest id that is taken from a client.
const maxID = 128

type key struct{}

// note is what is known of a request while it is served.
type note struct {
	id        string
	principal string
}

func noteOf(ctx context.Context) *note {
	n, _ := ctx.Value(key{}).(*note)
	return n
}

// ID is the id of the request that a context belongs to; empty where it belongs to none.
func ID(ctx context.Context) string {
	if n := noteOf(ctx); n != nil {
		return n.id
	}
	return ""
}

// SetPrincipal notes on whose behalf the request is made, for its line in the log. It is
// for the goroutine that serves the request.
func SetPrincipal(ctx context.Context, name string) {
	if n := noteOf(ctx); n != nil {
		n.principal = name
	}
}

// idOr gives the id that a client sent, or a new one where that would not be safe in a
// log or a header.
func idOr(sent string) string {
	if sent == "" || len(sent) > maxID {
		return rand.Text()
	}
	for _, c := range []byte(sent) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return rand.Text()
		}
	}
	return sent
}

// NewHandler adds the request's id to every line that is logged with its context.
func NewHandler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := ID(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

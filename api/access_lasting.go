package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/access"
)

// lasting is a request that may outlive its principal, and what is needed to end it.
type lasting struct {
	rule      rule
	principal access.Principal
	body      *pacedBody
}

// lasting counts the request among the principal's open ones, and ends it when the
// principal is gone: the context for what goes out, the body for what comes in.
func (h *server) lasting(w http.ResponseWriter, r *http.Request, l lasting, next http.Handler) {
	key := l.principal.Key
	if h.gate.Keeper == nil {
		key = h.gate.address(r)
	}
	if !h.gate.streams.open(key) {
		h.deny(w, r, &denial{status: http.StatusTooManyRequests, wait: 5 * time.Second, answer: errorAnswer{
			Error: "too-many-streams", Detail: "too many streams are open with this credential; close some, or have PROVFLOW_STREAMS raised",
		}})
		return
	}
	defer h.gate.streams.close(key)
	if h.gate.Keeper != nil {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		watch := h.gate.watch(r, l, cancel)
		defer watch.stop()
		r = r.WithContext(ctx)
	}
	next.ServeHTTP(w, r)
}

// watch looks a principal up again from time to time.
type watch struct {
	lasting
	gate       *gate
	ctx        context.Context
	credential access.Credential
	gone       func()

	mu    sync.Mutex
	timer *time.Timer
	done  bool
}

func (g *gate) watch(r *http.Request, l lasting, gone func()) *watch {
	c, _ := credentialOf(r)
	w := &watch{lasting: l, gate: g, ctx: r.Context(), credential: c, gone: gone}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.next(), w.look)
	return w
}

// next is when to look: at the latest when the principal's time is over.
func (w *watch) next() time.Duration {
	if w.principal.ExpiresAt.IsZero() {
		return w.gate.Recheck
	}
	return max(min(w.gate.Recheck, w.principal.ExpiresAt.Sub(w.gate.Keeper.Now())), time.Millisecond)
}

func (w *watch) look() {
	if !w.holds() {
		w.body.end(errAccessEnded)
		w.gone()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		w.timer.Reset(w.next())
	}
}

// holds reports whether the request would be admitted now. That nobody can say ends
// nothing before its time: streams outlast an outage of the database.
func (w *watch) holds() bool {
	if w.principal.Expired(w.gate.Keeper.Now()) {
		return false
	}
	p, err := w.gate.Keeper.Identify(w.ctx, w.credential)
	var refused *access.RefusedError
	if err != nil {
		return !errors.As(err, &refused)
	}
	return p.May(w.rule.scope) && p.Prefix == w.principal.Prefix
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	w.timer.Stop()
}

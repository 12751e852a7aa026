package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/openova-io/provflow/api/sse"
	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// maxForeignID is the longest id of an upstream's event that is passed back to it.
const maxForeignID = 256

// errNoUpstream says that a deployment has none now; it may be given one later.
var errNoUpstream = errors.New("api: the deployment has no upstream")

// absent reports that the store has no such flow: there is a deployment without one, or
// there is nothing of that id.
func absent(empty bool, err error) bool {
	return err == nil && empty || flow.CodeOf(err) == flow.NotFound
}

// upstreamSnapshot answers with what the upstream says of a flow that is not here. It
// reports whether it did: of a known deployment only a whole flow is passed on.
func (h *server) upstreamSnapshot(w http.ResponseWriter, r *http.Request, id string, known bool) bool {
	t, err := h.target(r.Context(), r, id, known)
	if err != nil {
		return false
	}
	a, err := h.Upstream.Snapshot(r.Context(), t, id)
	switch {
	case err != nil:
		h.Logger.DebugContext(r.Context(), "no snapshot of the upstream", "flow", id, "error", err)
		if !known {
			h.unreachable(w)
		}
		return !known
	case known && a.Status != http.StatusOK, a.Status == http.StatusNotFound && a.Body == nil:
		return false
	}
	h.pass(w, a)
	return true
}

// upstreamStream serves the stream of a flow that is not here, until it is and from then
// on. It reports whether it did. sub is nil for an id of which nothing is known.
func (h *server) upstreamStream(w http.ResponseWriter, r *http.Request, id string, sub *feed.Subscription) bool {
	if !h.mayAsk(r) {
		return false
	}
	if sub == nil {
		return h.streamUnknown(w, r, id)
	}
	// The answer cannot be an error any more: whatever the upstream does, the deployment
	// is known.
	out, err := sse.Start(w, sse.Options{})
	if err != nil {
		h.fail(w, r, err)
		return true
	}
	last := foreignID(r)
	h.relay(r, id, out, &relay{local: sub, again: true, open: func(ctx context.Context) (*upstream.Stream, error) {
		t, err := h.target(ctx, r, id, true)
		if err != nil {
			return nil, err
		}
		from := last
		last = "" // only the client's first stream goes on from what it knew
		return h.Upstream.Stream(ctx, t, id, from)
	}})
	return true
}

// streamUnknown passes on the stream of an id that only the operator's upstream may know.
// With it ends the client's, which comes back and is resolved afresh.
func (h *server) streamUnknown(w http.ResponseWriter, r *http.Request, id string) bool {
	t, err := h.target(r.Context(), r, id, false)
	if err != nil {
		return false
	}
	s, err := h.Upstream.Stream(r.Context(), t, id, foreignID(r))
	var refused *upstream.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.Body == nil:
		return false
	case refused != nil:
		h.pass(w, refused.Answer)
		return true
	case err != nil:
		h.Logger.DebugContext(r.Context(), "no stream of the upstream", "flow", id, "error", err)
		h.unreachable(w)
		return true
	case headOfStream(w, r):
		s.Close()
		return true
	}
	out, err := sse.Start(w, sse.Options{})
	if err != nil {
		s.Close()
		h.fail(w, r, err)
		return true
	}
	local := &awaited{hub: h.Hub, id: id}
	defer local.Close()
	h.relay(r, id, out, &relay{local: local, open: func(ctx context.Context) (*upstream.Stream, error) {
		context.AfterFunc(ctx, s.Close) // it was opened before the relay's own context was
		return s, nil
	}})
	return true
}

func (h *server) relay(r *http.Request, id string, out *sse.Writer, l *relay) {
	l.out = out
	l.note = func(err error) {
		h.Logger.DebugContext(r.Context(), "the upstream's stream is not there", "flow", id, "error", err)
	}
	if err := l.run(r.Context()); err != nil {
		h.Logger.DebugContext(r.Context(), "stream ended", "flow", id, "error", err)
	}
}

// mayAsk is false where there is nobody to ask, or where the one who asks is another
// server's client: two that are each other's upstream would ask for ever.
func (h *server) mayAsk(r *http.Request) bool {
	return h.Upstream != nil && r.UserAgent() != upstream.UserAgent
}

// target finds the upstream for a flow that is not here. Only the record of a known
// deployment names a host.
func (h *server) target(ctx context.Context, r *http.Request, id string, known bool) (upstream.Target, error) {
	if !h.mayAsk(r) {
		return upstream.Target{}, errNoUpstream
	}
	t, ok := h.Upstream.Operator()
	if ok || !known {
		return t, errUnless(ok)
	}
	d, err := h.Deployments.DeploymentRecord(ctx, id)
	if err != nil {
		return upstream.Target{}, err
	}
	t, ok = h.Upstream.Of(d.SovereignFQDN)
	return t, errUnless(ok)
}

func errUnless(ok bool) error {
	if ok {
		return nil
	}
	return errNoUpstream
}

// foreignID is the id of an event that the upstream gave the client. One of the form of
// our own cursors is not passed on: who does not know it should send a snapshot, but
// might read something into it.
func foreignID(r *http.Request) string {
	id := sse.LastEventID(r)
	if len(id) > maxForeignID || flow.ParseCursor(id) != flow.NoCursor || id == flow.NoCursor.String() {
		return ""
	}
	for i := range len(id) {
		if id[i] < 0x20 || id[i] >= 0x7f {
			return ""
		}
	}
	return id
}

// pass answers as the upstream did.
func (h *server) pass(w http.ResponseWriter, a upstream.Answer) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff") // somebody else wrote it
	if a.Body == nil {
		writeJSON(w, a.Status, errorAnswer{Error: "upstream-refused", Detail: "the upstream flow server answered " + http.StatusText(a.Status)})
		return
	}
	w.Header().Set("Content-Type", a.ContentType)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client is gone; there is nobody to tell
}

func (h *server) unreachable(w http.ResponseWriter) {
	writeJSON(w, http.StatusBadGateway, errorAnswer{
		Error: "upstream-unreachable", Detail: "the flow is not here, and the upstream flow server cannot be asked; try again later",
	})
}

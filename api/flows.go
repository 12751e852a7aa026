package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/openova-io/provflow/api/sse"
	"github.com/openova-io/provflow/service/flow"
)

// snapshot answers with the whole flow, or with the part asked for. Its ETag is the cursor.
func (h *server) snapshot(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	at := r.URL.Query().Get("at")
	part, err := partOf(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if at != "" {
		h.pastSnapshot(w, r, id, at)
		return
	}
	if part != nil {
		h.partialSnapshot(w, r, id, *part)
		return
	}
	s, err := h.Hub.Snapshot(r.Context(), id)
	if absent(s.Cursor == flow.NoCursor, err) && h.upstreamSnapshot(w, r, id, err == nil) {
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if !notModified(w, r, s.Cursor) {
		writeBytes(w, http.StatusOK, s.Body)
	}
}

func (h *server) partialSnapshot(w http.ResponseWriter, r *http.Request, id string, part flow.Part) {
	d, err := h.Store.Part(r.Context(), id, part)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if !notModified(w, r, d.To) {
		writeJSON(w, http.StatusOK, flow.Snapshot(d))
	}
}

// partOf reads ?root and ?around&direction; nil when the whole flow is asked for.
func partOf(r *http.Request) (*flow.Part, error) {
	q := r.URL.Query()
	p := flow.Part{Root: q.Get("root"), Around: q.Get("around"), Direction: flow.Direction(q.Get("direction"))}
	if p.Direction == "" {
		p.Direction = flow.Both
	}
	known := slices.Contains([]flow.Direction{flow.Upstream, flow.Downstream, flow.Both}, p.Direction)
	switch {
	case p.Root != "" && p.Around != "":
		return nil, flow.Invalidf("invalid-part", "give either root or around, not both")
	case q.Get("at") != "" && p.Root+p.Around != "":
		return nil, flow.Invalidf("invalid-part", "at gives the whole flow; leave out root and around")
	case q.Has("direction") && p.Around == "":
		return nil, flow.Invalidf("invalid-part", "direction goes with around")
	case !known:
		return nil, flow.Invalidf("invalid-direction", "direction %.40q is unknown; use upstream, downstream or both", p.Direction)
	case p.Root == "" && p.Around == "":
		return nil, nil
	}
	return &p, flow.CheckID("the job", p.Root+p.Around)
}

// notModified sets the ETag and, where the client has that state already, answers 304.
func notModified(w http.ResponseWriter, r *http.Request, at flow.Cursor) bool {
	tag := `"` + at.String() + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache")
	for _, have := range strings.Split(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// stream sends the flow live, until the client or the flow is gone.
func (h *server) stream(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	sub, err := h.Hub.Subscribe(r.Context(), id, flow.ParseCursor(sse.LastEventID(r)))
	if err == nil {
		defer sub.Close()
		if headOfStream(w, r) {
			return
		}
	}
	if absent(err == nil && sub.Empty(), err) && h.upstreamStream(w, r, id, sub) {
		return
	}
	if err != nil && r.Context().Err() != nil {
		// The server is stopping. A browser gives up for good on what is no stream; of one that
		// ends it asks the next replica.
		_, _ = sse.Start(w, sse.Options{})
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	err = sse.Serve(w, r, sub, sse.Options{})
	if errors.Is(err, http.ErrNotSupported) { // nothing was written yet
		h.fail(w, r, err)
	} else if err != nil {
		h.Logger.DebugContext(r.Context(), "stream ended", "flow", id, "error", err)
	}
}

// headOfStream answers a HEAD of a stream that is there: nothing follows.
func headOfStream(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodHead {
		return false
	}
	w.Header().Set("Content-Type", "text/event-stream")
	return true
}

// deleteFlow removes a flow and its history; its open streams end.
func (h *server) deleteFlow(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if _, err := h.Store.DeleteFlow(r.Context(), id); err != nil {
		h.fail(w, r, err)
		return
	}
	h.Announce(id)
	w.WriteHeader(http.StatusNoContent)
}

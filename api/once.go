package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"path"

	"github.com/openova-io/provflow/service/flow"
)

// once does a write and answers it. With an Idempotency-Key the first answer is kept and
// given again to whoever sends the key again; the key also goes to the write, which uses
// it to have its effect once.
//
// The write does not get the request's own context: that ends with a client that goes
// away, and what such a client has sent whole is kept.
func (h *server) once(w http.ResponseWriter, r *http.Request, flowID string, write func(ctx context.Context, key string) (any, error)) {
	ctx := context.WithoutCancel(r.Context())
	key := r.Header.Get("Idempotency-Key")
	first, err := h.firstAnswer(ctx, r, flowID, key)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if first != nil {
		writeBytes(w, http.StatusOK, first)
		return
	}
	answer, err := write(ctx, key)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.keep(ctx, r, flowID, key, answer)
	writeJSON(w, http.StatusOK, answer)
}

// firstAnswer gives what an earlier request with the same key was told; nil when none was.
func (h *server) firstAnswer(ctx context.Context, r *http.Request, flowID, key string) ([]byte, error) {
	if key == "" {
		return nil, nil
	}
	if err := flow.CheckID("Idempotency-Key", key); err != nil {
		return nil, err
	}
	return h.Store.Answer(ctx, flowID, answerKey(r, key))
}

// keep remembers the answer. That it was lost would cost nothing but its exact words: the
// write has its effect once in any case.
func (h *server) keep(ctx context.Context, r *http.Request, flowID, key string, answer any) {
	if key == "" {
		return
	}
	b, err := json.Marshal(answer)
	if err == nil {
		err = h.Store.KeepAnswer(ctx, flowID, answerKey(r, key), b)
	}
	if err != nil {
		h.Logger.WarnContext(ctx, "an answer could not be kept", "flow", flowID, "error", err)
	}
}

// answerKey sets answers apart from the fingerprints of what was written, and those of
// one kind of call from those of another.
func answerKey(r *http.Request, key string) (f flow.Fingerprint) {
	sum := sha256.Sum256([]byte("answer\x00" + path.Base(r.URL.Path) + "\x00" + key))
	copy(f[:], sum[:])
	return f
}

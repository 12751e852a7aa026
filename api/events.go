package api

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"strings"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// maxMessage is the largest FlowMessage, in bytes.
const maxMessage = 1 << 20

// seqAnswer is the flow's version at which a message is durable.
type seqAnswer struct {
	Seq int64 `json:"seq"`
}

// flowEvents takes one FlowMessage of an emitter.
func (h *server) flowEvents(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		h.fail(w, r, bodyError(err))
		return
	}
	m, err := bridge.ParseMessage(body, id, sourceOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.once(w, r, id, func(ctx context.Context, key string) (any, error) {
		at, err := h.Recorder.Record(ctx, id, []record.Item{{Observation: m, Key: messageKey(key)}})
		return seqAnswer{at.Version}, err
	})
}

// sourceOf names the emitter: by the header it may set, else by the program it says it is.
func sourceOf(r *http.Request) string {
	name := flow.CleanName(r.Header.Get("X-Flow-Source"))
	if name == "" {
		name, _, _ = strings.Cut(flow.CleanName(r.UserAgent()), "/")
	}
	if name == "" || name == flow.SourceBridge {
		name = "emitter"
	}
	runes := []rune(name)
	return "emitter:" + string(runes[:min(len(runes), 100)])
}

// messageKey recognises a keyed message; without a key it is applied as it stands.
func messageKey(key string) (f flow.Fingerprint) {
	if key != "" {
		sum := sha256.Sum256([]byte("message\x00" + key))
		copy(f[:], sum[:])
	}
	return f
}

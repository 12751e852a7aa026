package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"

	"github.com/openova-io/provflow/service/access"
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
	body, err := readBody(w, r, maxMessage)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	m, err := bridge.ParseMessage(body, id, h.sourceOf(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.once(w, r, id, func(ctx context.Context, key string) (any, error) {
		at, err := h.Recorder.Record(ctx, id, []record.Item{{Observation: m, Key: messageKey(key)}})
		return seqAnswer{at.Version}, err
	})
}

// maxSource is the longest name an emitter may give itself, in characters.
const maxSource = 100

// sourceOf names the emitter. With access on it is who the credential says it is, and what
// it says of itself only tells apart the emitters that share one: nobody can name another's
// rows. With access off there is nothing but its word: the header or, without it, the
// program it says it is. No source is called as the bridge's.
func (h *server) sourceOf(r *http.Request) string {
	name := sourceName(r.Header.Get("X-Flow-Source"))
	if h.gate.Keeper == nil {
		program, _, _ := strings.Cut(r.UserAgent(), "/")
		return "emitter:" + cmp.Or(name, sourceName(program), "emitter")
	}
	p, _ := access.From(r.Context())
	source := "principal:" + url.PathEscape(p.Key) // so that a name after it cannot read as a key
	if name != "" {
		source += "/" + name
	}
	return source
}

func sourceName(s string) string {
	runes := []rune(flow.CleanName(s))
	return string(runes[:min(len(runes), maxSource)])
}

// messageKey recognises a keyed message; without a key it is applied as it stands.
func messageKey(key string) (f flow.Fingerprint) {
	if key != "" {
		sum := sha256.Sum256([]byte("message\x00" + key))
		copy(f[:], sum[:])
	}
	return f
}

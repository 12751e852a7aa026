package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/openova-io/provflow/api/ndjson"
	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

const (
	// maxEventLine is the longest line of a body; a message in it is kept up to flow.MaxLine.
	maxEventLine = 1 << 20
	// eventsAhead is how many events are read while a transaction runs, and bytesAhead how
	// many bytes of them: they go into the next one together.
	eventsAhead = 500
	bytesAhead  = 4 << 20
)

// ingestAnswer says how many events of the body are durable, and the flow's version.
type ingestAnswer struct {
	Accepted int   `json:"accepted"`
	Version  int64 `json:"version"`
}

// provisionerEvents takes NDJSON of any length, even one that is written as the
// provision goes on: what has arrived is recorded and shown while the rest is awaited.
func (h *server) provisionerEvents(w http.ResponseWriter, r *http.Request) {
	id, err := deploymentID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if answer, err := h.firstAnswer(r.Context(), id, key); err != nil || answer != nil {
		h.replay(w, r, answer, err)
		return
	}
	in := &ingest{h: h, id: id, prints: bridge.NewFingerprints(key)}
	// Not the request's own context: it ends with a client that goes away, and what such
	// a client has sent whole is kept.
	err = in.run(context.WithoutCancel(r.Context()), r.Body)
	if err != nil {
		h.failAt(w, r, in, err)
		return
	}
	h.keep(r.Context(), id, key, in.done)
	writeJSON(w, http.StatusOK, in.done)
}

// failAt answers with the line at fault and how many lines before it are kept.
func (h *server) failAt(w http.ResponseWriter, r *http.Request, in *ingest, err error) {
	status, answer := h.present(r, err)
	answer.Accepted = &in.done.Accepted
	var at *ndjson.LineError
	if errors.As(err, &at) {
		answer.Line = at.Line
		answer.Detail = fmt.Sprintf("line %d: %s; the %d before it are kept", at.Line, answer.Detail, in.done.Accepted)
	}
	h.answerError(w, status, answer)
}

// ingest is one body on its way in.
type ingest struct {
	h      *server
	id     string
	prints *bridge.Fingerprints
	done   ingestAnswer
}

func (in *ingest) run(ctx context.Context, body io.Reader) error {
	now := in.h.Now
	lines := ndjson.Read(ctx, body, ndjson.Limits{Line: maxEventLine, Lines: eventsAhead, Bytes: bytesAhead}, func(line []byte) (bridge.Event, error) {
		return bridge.ParseEvent(line, now())
	})
	defer lines.Close()
	for {
		events, err := lines.Next(ctx)
		if len(events) > 0 {
			if err := in.record(ctx, events); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return in.finish(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (in *ingest) record(ctx context.Context, events []bridge.Event) error {
	items := make([]record.Item, len(events))
	for i, e := range events {
		items[i] = record.Item{Observation: e, Key: in.prints.Of(e), OfDeployment: true}
	}
	at, err := in.h.Recorder.Record(ctx, in.id, items)
	if err != nil {
		return err
	}
	in.done.Accepted += len(events)
	in.done.Version = at.Version
	return nil
}

// finish makes a deployment known even by an empty body, and learns its version.
func (in *ingest) finish(ctx context.Context) error {
	if in.done.Accepted > 0 {
		return nil
	}
	return in.record(ctx, nil)
}

// firstAnswer gives what an earlier request with the same key was told; nil when none was.
func (h *server) firstAnswer(ctx context.Context, flowID, key string) ([]byte, error) {
	if key == "" {
		return nil, nil
	}
	if err := flow.CheckID("Idempotency-Key", key); err != nil {
		return nil, err
	}
	return h.Store.Answer(ctx, flowID, answerKey(key))
}

func (h *server) replay(w http.ResponseWriter, r *http.Request, answer []byte, err error) {
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeBytes(w, http.StatusOK, answer)
}

// keep remembers the answer. That it was lost would cost nothing but its exact words:
// the events themselves have their effect once in any case.
func (h *server) keep(ctx context.Context, flowID, key string, answer ingestAnswer) {
	if key == "" {
		return
	}
	b, err := json.Marshal(answer)
	if err == nil {
		err = h.Store.KeepAnswer(context.WithoutCancel(ctx), flowID, answerKey(key), b)
	}
	if err != nil {
		h.Logger.Warn("an answer could not be kept", "flow", flowID, "error", err)
	}
}

// answerKey sets answers apart from the fingerprints of events.
func answerKey(key string) (f flow.Fingerprint) {
	sum := sha256.Sum256([]byte("answer\x00" + key))
	copy(f[:], sum[:])
	return f
}

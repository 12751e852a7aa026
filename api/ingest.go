package api

import (
	"context"
	"io"
	"net/http"

	"github.com/openova-io/provflow/api/ndjson"
	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// ahead bounds what is read of a body while a transaction runs: it goes into the next one
// together. A message in a line is kept up to flow.MaxLine.
var ahead = ndjson.Limits{Line: 1 << 20, Lines: 500, Bytes: 4 << 20}

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
	in := &ingest{h: h, id: id}
	h.once(w, r, id, func(ctx context.Context, key string) (any, error) {
		in.prints = bridge.NewFingerprints(key)
		body := newLiveBody(w, r)
		defer body.close()
		err := in.run(ctx, body)
		return in.done, partially(err, in.done.Accepted)
	})
}

// ingest is one body on its way in.
type ingest struct {
	h      *server
	id     string
	prints *bridge.Fingerprints
	done   ingestAnswer
}

func (in *ingest) run(ctx context.Context, body io.Reader) error {
	parse := func(line []byte) (bridge.Event, error) { return bridge.ParseEvent(line, in.h.Now()) }
	err := ndjson.Each(ctx, body, ahead, parse, func(events []bridge.Event) error { return in.record(ctx, events) })
	if err != nil {
		return err
	}
	return in.finish(ctx)
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

// finish makes a deployment known even by an empty body, and learns its version. A flow
// without jobs is not made of nothing: it would hide what is known elsewhere.
func (in *ingest) finish(ctx context.Context) error {
	if in.done.Accepted > 0 {
		return nil
	}
	d, err := in.h.Deployments.PutDeployment(ctx, in.id, flow.DeploymentChange{})
	in.done.Version = d.Version
	return err
}

package feed

import (
	"context"

	"github.com/openova-io/provflow/service/flow"
)

// Snapshot gives the whole flow, not older than the last write acknowledged on any
// replica before the call: the current cursor is read every time, the rest only when
// it has moved. Of a deployment without a flow it gives an empty snapshot at NoCursor.
//
// flow.NotFound when there is neither; flow.Unavailable when the database is away.
func (h *Hub) Snapshot(ctx context.Context, flowID string) (Rendered, error) {
	at, exists, err := h.current(ctx, flowID)
	if err != nil {
		return Rendered{}, err
	}
	if !exists {
		return h.emptySnapshot(ctx, flowID)
	}
	r, err := h.rendered(ctx, flowID, at)
	if isNotFound(err) { // deleted since
		return h.emptySnapshot(ctx, flowID)
	}
	return r, err
}

func (h *Hub) emptySnapshot(ctx context.Context, flowID string) (Rendered, error) {
	h.snaps.forget(flowID)
	d, err := h.reader.Deployment(ctx, flowID)
	if isNotFound(err) {
		return Rendered{}, unknown(flowID)
	}
	if err != nil {
		return Rendered{}, err
	}
	return renderSnapshot(flow.EmptySnapshot(d), flow.NoCursor)
}

// rendered gives a snapshot that covers `want`, which was current when it was read.
func (h *Hub) rendered(ctx context.Context, flowID string, want flow.Cursor) (Rendered, error) {
	if r, ok := h.snaps.get(flowID); ok && covers(r.Cursor, want) {
		h.counts.hits.Add(1)
		return r, nil
	}
	r, begun, err := h.fly(ctx, flowID)
	if ctx.Err() == nil && !begun && (err != nil || !covers(r.Cursor, want)) {
		// It may have been read before `want` was. The next one is read after.
		r, _, err = h.fly(ctx, flowID)
	}
	return r, err
}

// fly reads the whole flow, or waits for the one who is reading it. The read belongs to
// the hub and not to ctx: that one caller leaves takes nothing from the others.
func (h *Hub) fly(ctx context.Context, flowID string) (Rendered, bool, error) {
	f, begun := h.snaps.join(flowID)
	if begun && !h.begin(func() { h.land(flowID, f) }) {
		h.snaps.land(flowID, f, Rendered{}, stopped())
	}
	select {
	case <-f.done:
		return f.Rendered, begun, f.err
	case <-ctx.Done():
		return Rendered{}, begun, ctx.Err()
	}
}

func (h *Hub) land(flowID string, f *flight) {
	d, err := h.changedSince(flowID, flow.NoCursor)
	if err != nil {
		h.snaps.land(flowID, f, Rendered{}, err)
		return
	}
	r, err := h.keep(flowID, d)
	h.snaps.land(flowID, f, r, err)
}

func (h *Hub) changedSince(flowID string, since flow.Cursor) (flow.Delta, error) {
	ctx, cancel := h.reading()
	defer cancel()
	h.counts.reads.Add(1)
	return h.reader.ChangedSince(ctx, flowID, since)
}

// keep renders a whole flow and remembers it.
func (h *Hub) keep(flowID string, d flow.Delta) (Rendered, error) {
	h.counts.encodes.Add(1)
	r, err := renderSnapshot(flow.Snapshot(d), d.To)
	if err == nil {
		h.snaps.put(flowID, r)
	}
	return r, err
}

package feed

import (
	"encoding/json"
	"fmt"

	"github.com/openova-io/provflow/service/flow"
)

// EventAvailability is the event that tells subscribers whether the database is there.
const EventAvailability = "availability"

// Frame is one event as it goes out. Data is one line of JSON, shared by all who get
// it: it must not be changed.
type Frame struct {
	Event string
	Data  []byte
}

// Rendered is a whole flow, encoded, as it was at Cursor. Body is shared.
type Rendered struct {
	Cursor flow.Cursor
	Body   []byte
}

// segment turns what a client knows at any version in [from, to) into what is known at
// to. One from NoCursor is a snapshot and turns anything into that.
type segment struct {
	from, to flow.Cursor
	frames   []Frame
	size     int
	learned  int64 // when this replica heard of it, in Unix nanoseconds; 0: it was not told
}

func renderChanges(flowID string, since flow.Cursor, d flow.Delta) (*segment, error) {
	s := &segment{from: since, to: d.To}
	if d.Empty() {
		return s, nil
	}
	for _, m := range flow.Messages(flowID, d) {
		data, err := json.Marshal(m.Body)
		if err != nil {
			return nil, fmt.Errorf("encoding %s of %q: %w", m.Event, flowID, err)
		}
		s.frames = append(s.frames, Frame{Event: m.Event, Data: data})
		s.size += len(data)
	}
	return s, nil
}

func renderSnapshot(m flow.SnapshotMessage, at flow.Cursor) (Rendered, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return Rendered{}, fmt.Errorf("encoding snapshot of %q: %w", m.Flow.ID, err)
	}
	return Rendered{Cursor: at, Body: body}, nil
}

func (r Rendered) frame() Frame { return Frame{Event: flow.TypeSnapshot, Data: r.Body} }

func (r Rendered) segment() *segment {
	return &segment{to: r.Cursor, frames: []Frame{r.frame()}, size: len(r.Body)}
}

// covers reports whether what is known at c includes all that was known at want.
func covers(c, want flow.Cursor) bool {
	return c.Epoch == want.Epoch && c.Version >= want.Version
}

package sse

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Event is the name of an event. The zero Event has none: clients see `message`.
type Event struct{ name string }

// NewEvent makes a name; one that would break its line is an error.
func NewEvent(name string) (Event, error) {
	if name == "" || strings.ContainsAny(name, "\r\n") {
		return Event{}, fmt.Errorf("sse: %q cannot be the name of an event", name)
	}
	return Event{name}, nil
}

// MustEvent is NewEvent for constants.
func MustEvent(name string) Event {
	e, err := NewEvent(name)
	if err != nil {
		panic(err)
	}
	return e
}

// ID is what a client gives back to go on from here. The zero ID is left out.
type ID struct{ id string }

// NewID makes an id; one that would break its line, or that a client would ignore (NUL), is an error.
func NewID(id string) (ID, error) {
	if id == "" || strings.ContainsAny(id, "\r\n\x00") {
		return ID{}, fmt.Errorf("sse: %q cannot be an id", id)
	}
	return ID{id}, nil
}

// NumberID is the id of a numbered thing.
func NumberID(n int64) ID { return ID{strconv.FormatInt(n, 10)} }

// CursorID is the id of a point in a flow's history; the zero ID where it cannot be one.
func CursorID(c flow.Cursor) ID {
	id, err := NewID(c.String())
	if err != nil {
		return ID{}
	}
	return id
}

// Frame is one event.
type Frame struct {
	Event Event
	ID    ID
	Data  []byte
}

// append writes the frame. Any line break in the data begins another data line, which
// a client joins with \n.
func (f Frame) append(b []byte) []byte {
	if f.Event.name != "" {
		b = field(b, "event: ", f.Event.name)
	}
	if f.ID.id != "" {
		b = field(b, "id: ", f.ID.id)
	}
	for rest, more := f.Data, true; more; {
		var line []byte
		line, rest, more = cutLine(rest)
		b = append(append(append(b, "data: "...), line...), '\n')
	}
	return append(b, '\n')
}

func field(b []byte, name, value string) []byte {
	return append(append(append(b, name...), value...), '\n')
}

// cutLine cuts at the first break of any kind. Each kind is looked for by itself: that is
// much faster, and data is one long line as a rule.
func cutLine(b []byte) (line, rest []byte, more bool) {
	line, rest, more = bytes.Cut(b, []byte{'\n'})
	cr := bytes.IndexByte(line, '\r')
	if cr < 0 || more && cr == len(line)-1 { // the latter is \r\n
		return bytes.TrimSuffix(line, []byte{'\r'}), rest, more
	}
	return b[:cr], b[cr+1:], true
}

func appendRetry(b []byte, d time.Duration) []byte {
	return append(field(b, "retry: ", strconv.FormatInt(d.Milliseconds(), 10)), '\n')
}

// LastEventID is the id the client saw last: the header, which a browser sends when it
// reconnects, goes before the parameter of the first request. Empty when there is none.
func LastEventID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("lastEventId")
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/openova-io/provflow/api/console"
)

// browser is a console that knows when its stream was cut off within a change.
type browser struct {
	console.State
	halfway bool // some of a change has come, and not yet all of it
	torn    bool // it was cut off halfway, and what is in it came again in other pieces
}

func newBrowser() *browser { return &browser{} }

func (b *browser) fold(t testing.TB, f frame) {
	t.Helper()
	before := b.Cursor
	if err := b.Fold(console.Frame{Event: f.event, ID: f.id, Data: f.data}); err != nil {
		t.Fatalf("%s: %v", f.event, err)
	}
	switch f.event {
	case "heartbeat", "availability":
	case "snapshot":
		b.torn, b.halfway = false, false
	default:
		b.halfway = before == f.id
	}
}

// cutOff notes that the stream ended here.
func (b *browser) cutOff() { b.torn = b.torn || b.halfway }

// differs says how two states differ, their order too; "" where they do not. A torn one
// holds the same, and may hold it in another order until the next snapshot.
func (b *browser) differs(want *browser) string {
	same := func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }
	if !b.torn && b.String() != want.String() || !same(b.Flow, want.Flow) ||
		!maps.EqualFunc(b.Nodes.ByID, want.Nodes.ByID, same) || !maps.EqualFunc(b.Edges.ByID, want.Edges.ByID, same) {
		return fmt.Sprintf(" got %s\nwant %s", b, want)
	}
	return ""
}

// status gives a node's status.
func (b *browser) status(id string) string {
	var n struct{ Status string }
	_ = json.Unmarshal(b.Nodes.ByID[id], &n)
	return n.Status
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// browser is the reducer of the contract: what a console holds after the frames it got, in
// the order in which it draws.
type browser struct {
	cursor string
	flow   json.RawMessage
	nodes  map[string]json.RawMessage
	rels   map[string]json.RawMessage

	nodeOrder, relOrder []string

	halfway bool // some of a change has come, and not yet all of it
	torn    bool // it was cut off halfway, and what is in it came again in other pieces
}

func newBrowser() *browser {
	return &browser{nodes: map[string]json.RawMessage{}, rels: map[string]json.RawMessage{}}
}

type relKey struct{ FromID, ToID, Type string }

func (b *browser) fold(t testing.TB, f frame) {
	t.Helper()
	if f.event == "heartbeat" || f.event == "availability" {
		return
	}
	var m struct {
		Type          string
		Flow          json.RawMessage
		Nodes         []json.RawMessage
		Relationships []json.RawMessage
		IDs           []string
		Pairs         []json.RawMessage
	}
	if err := json.Unmarshal([]byte(f.data), &m); err != nil || m.Type != f.event {
		t.Fatalf("frame %+v: %v", f, err)
	}
	if f.event == "snapshot" {
		*b = *newBrowser()
	}
	if m.Flow != nil {
		b.flow = m.Flow
	}
	for _, n := range m.Nodes {
		b.nodeOrder = put(b.nodes, b.nodeOrder, idOf(t, n), n)
	}
	for _, r := range m.Relationships {
		b.relOrder = put(b.rels, b.relOrder, keyOf(t, r), r)
	}
	for _, id := range m.IDs {
		b.nodeOrder = remove(b.nodes, b.nodeOrder, id)
	}
	for _, p := range m.Pairs {
		b.relOrder = remove(b.rels, b.relOrder, keyOf(t, p))
	}
	b.halfway = b.cursor == f.id
	b.cursor = f.id
}

// cutOff notes that the stream ended here.
func (b *browser) cutOff() { b.torn = b.torn || b.halfway }

// differs says how two states differ, their order too; "" where they do not. A torn one
// holds the same, and may hold it in another order until the next snapshot.
func (b *browser) differs(want *browser) string {
	same := func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }
	if !b.torn && b.String() != want.String() ||
		!maps.EqualFunc(b.nodes, want.nodes, same) || !maps.EqualFunc(b.rels, want.rels, same) || !same(b.flow, want.flow) {
		return fmt.Sprintf(" got %s\nwant %s", b, want)
	}
	return ""
}

// put replaces what is there in its place and adds what is not at the end.
func put(all map[string]json.RawMessage, order []string, key string, v json.RawMessage) []string {
	if _, there := all[key]; !there {
		order = append(order, key)
	}
	all[key] = v
	return order
}

func remove(all map[string]json.RawMessage, order []string, key string) []string {
	delete(all, key)
	return slices.DeleteFunc(order, func(k string) bool { return k == key })
}

func idOf(t testing.TB, node []byte) string {
	var n struct{ ID string }
	if err := json.Unmarshal(node, &n); err != nil {
		t.Fatal(err)
	}
	return n.ID
}

func keyOf(t testing.TB, rel []byte) string {
	var k relKey
	if err := json.Unmarshal(rel, &k); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(k)
}

// String writes the state so that equal states, drawn in the same order, read alike.
func (b *browser) String() string {
	nodes, rels := []json.RawMessage{}, []json.RawMessage{}
	for _, id := range b.nodeOrder {
		nodes = append(nodes, b.nodes[id])
	}
	for _, key := range b.relOrder {
		rels = append(rels, b.rels[key])
	}
	out, _ := json.Marshal(map[string]any{"flow": b.flow, "nodes": nodes, "rels": rels})
	return string(out)
}

// status gives a node's status.
func (b *browser) status(id string) string {
	var n struct{ Status string }
	_ = json.Unmarshal(b.nodes[id], &n)
	return n.Status
}

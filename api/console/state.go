package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// State is what a client holds after the frames it got. The zero State holds nothing.
type State struct {
	Cursor string // id of the last frame that had one
	Flow   json.RawMessage
	Nodes  Rows
	Edges  Rows
	seen   string // the newest cursor of this history, to notice a step back
}

// Rows are nodes or edges by their natural key, in the order in which they came.
type Rows struct {
	Keys []string
	ByID map[string]json.RawMessage
}

func (r *Rows) put(key string, row json.RawMessage) {
	if r.ByID == nil {
		r.ByID = map[string]json.RawMessage{}
	}
	if _, known := r.ByID[key]; !known {
		r.Keys = append(r.Keys, key)
	}
	r.ByID[key] = row
}

func (r *Rows) remove(key string) {
	if _, known := r.ByID[key]; known {
		delete(r.ByID, key)
		r.Keys = slices.DeleteFunc(r.Keys, func(k string) bool { return k == key })
	}
}

// message is an envelope of the contract.
type message struct {
	Type          string
	Flow          json.RawMessage
	Nodes         []json.RawMessage
	Relationships []json.RawMessage
	IDs           []string
	Pairs         []json.RawMessage
}

// Fold takes a frame in. Its errors say what the frame has broken of the contract.
func (s *State) Fold(f Frame) error {
	if f.Event == "heartbeat" || f.Event == "availability" {
		return nil
	}
	var m message
	if err := json.Unmarshal([]byte(f.Data), &m); err != nil {
		return fmt.Errorf("a frame that is no JSON: %w: %.200q", err, f.Data)
	}
	if m.Type != f.Event {
		return fmt.Errorf("the type %q came under the name %q", m.Type, f.Event)
	}
	if f.Event == "snapshot" {
		if m.Flow == nil || m.Nodes == nil || m.Relationships == nil {
			return fmt.Errorf("a snapshot that leaves something out: %.200q", f.Data)
		}
		*s = State{Cursor: s.Cursor, seen: s.seen}
	}
	if err := s.apply(m); err != nil {
		return err
	}
	return s.moveTo(f.ID)
}

func (s *State) apply(m message) error {
	if m.Flow != nil {
		s.Flow = m.Flow
	}
	for _, id := range m.IDs {
		s.Nodes.remove(id)
	}
	for _, pair := range m.Pairs {
		_, key, err := edgeKey(pair)
		if err != nil {
			return err
		}
		s.Edges.remove(key)
	}
	for _, node := range m.Nodes {
		var n struct{ ID string }
		if err := json.Unmarshal(node, &n); err != nil || n.ID == "" {
			return fmt.Errorf("a node without an id: %.200q", node)
		}
		s.Nodes.put(n.ID, node)
	}
	for _, edge := range m.Relationships {
		_, key, err := edgeKey(edge)
		if err != nil {
			return err
		}
		s.Edges.put(key, edge)
	}
	return nil
}

// moveTo notes where the client stands. A frame that is not the last of its change
// repeats the cursor from before it.
func (s *State) moveTo(cursor string) error {
	if cursor == "" || cursor == s.Cursor {
		return nil
	}
	epoch, version := split(cursor)
	seenEpoch, seen := split(s.seen)
	if epoch == seenEpoch && version < seen {
		return fmt.Errorf("back in time: %s came after %s", cursor, s.seen)
	}
	s.Cursor, s.seen = cursor, cursor
	return s.whole()
}

func split(cursor string) (epoch string, version int64) {
	i := strings.LastIndexByte(cursor, '.')
	if i < 0 {
		return cursor, 0
	}
	version, _ = strconv.ParseInt(cursor[i+1:], 10, 64)
	return cursor[:i], version
}

type edgeEnds struct{ FromID, ToID, Type, FromFlowID, ToFlowID string }

func edgeKey(edge []byte) (e edgeEnds, key string, err error) {
	if err := json.Unmarshal(edge, &e); err != nil || e.FromID == "" || e.ToID == "" {
		return e, "", fmt.Errorf("an edge without ends: %.200q", edge)
	}
	return e, e.FromID + "\x00" + e.ToID + "\x00" + e.Type, nil
}

// whole reports an edge whose ends are not there, where a change is complete.
func (s *State) whole() error {
	for _, edge := range s.Edges.ByID {
		e, _, err := edgeKey(edge)
		if err != nil {
			return err
		}
		for _, end := range []struct{ id, flow string }{{e.FromID, e.FromFlowID}, {e.ToID, e.ToFlowID}} {
			if _, there := s.Nodes.ByID[end.id]; !there && end.flow == "" {
				return fmt.Errorf("at %s the edge %s has no node %s", s.Cursor, edge, end.id)
			}
		}
	}
	return nil
}

// String writes the state as JSON, in the order in which it is drawn, so that equal states
// read alike.
func (s *State) String() string {
	out, err := json.Marshal(struct {
		Flow  json.RawMessage   `json:"flow"`
		Nodes []json.RawMessage `json:"nodes"`
		Rels  []json.RawMessage `json:"rels"`
	}{s.Flow, s.Nodes.list(), s.Edges.list()})
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func (r *Rows) list() []json.RawMessage {
	all := make([]json.RawMessage, len(r.Keys))
	for i, k := range r.Keys {
		all[i] = r.ByID[k]
	}
	return all
}

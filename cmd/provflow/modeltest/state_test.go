package modeltest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openova-io/provflow/service/flow"
)

// ordered is a map that remembers the order of insertion, as JavaScript's does: what is
// written again keeps its place, what was deleted and comes back is last.
type ordered struct {
	keys   []string
	values map[string]string
}

func (o *ordered) set(key, value string) {
	if _, known := o.values[key]; !known {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

func (o *ordered) drop(key string) {
	delete(o.values, key)
	o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
}

func (o ordered) clone() ordered { return ordered{slices.Clone(o.keys), maps.Clone(o.values)} }

func (o ordered) String() string {
	var b strings.Builder
	for _, k := range o.keys {
		fmt.Fprintf(&b, "  %s\n", o.values[k])
	}
	return b.String()
}

// state is what a client draws: the fold of the frames it got.
type state struct {
	flow        string
	nodes, rels ordered
}

func newState() state {
	return state{nodes: ordered{values: map[string]string{}}, rels: ordered{values: map[string]string{}}}
}

func (s state) clone() state { return state{s.flow, s.nodes.clone(), s.rels.clone()} }

func (s state) String() string { return s.flow + "\n" + s.nodes.String() + s.rels.String() }

type envelope struct {
	Type                        string
	Flow                        json.RawMessage
	Nodes, Relationships, Pairs []json.RawMessage
	IDs                         []string
}

// apply folds one frame and says what is wrong with it, if anything is.
func (s *state) apply(event string, data []byte) error {
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil || e.Type != event {
		return fmt.Errorf("frame %s %s: %w", event, data, err)
	}
	if event == flow.TypeSnapshot {
		*s = newState()
	}
	if e.Flow != nil {
		s.flow = string(e.Flow)
	}
	for _, n := range e.Nodes {
		s.nodes.set(nodeOf(n).ID, string(n))
	}
	for _, r := range e.Relationships {
		s.rels.set(relOf(r).key(), string(r))
	}
	for _, p := range e.Pairs {
		s.rels.drop(relOf(p).key())
	}
	for _, id := range e.IDs {
		s.nodes.drop(id)
	}
	return s.complete()
}

// complete: every edge's ends are there, or in another flow.
func (s *state) complete() error {
	for _, text := range s.rels.values {
		r := relOf([]byte(text))
		_, from := s.nodes.values[r.FromID]
		_, to := s.nodes.values[r.ToID]
		if !from && r.FromFlowID == "" || !to && r.ToFlowID == "" {
			return fmt.Errorf("edge %s without its ends", text)
		}
	}
	return nil
}

func nodeOf(b []byte) (n flow.NodeWire) {
	_ = json.Unmarshal(b, &n)
	return n
}

type rel flow.RelationshipWire

func relOf(b []byte) (r rel) {
	_ = json.Unmarshal(b, &r)
	return r
}

func (r rel) key() string { return fmt.Sprintf("%s → %s %s", r.FromID, r.ToID, r.Type) }

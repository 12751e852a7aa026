package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Message is one FlowMessage of an emitter, checked and cleaned. Nil lists and pointers
// are parts the message does not have.
type Message struct {
	Source string // who sent it; every row it makes is theirs
	Type   string
	Flow   *FlowPart
	Nodes  []NodePart
	Rels   []flow.Relationship
	IDs    []string
	Pairs  []flow.RelationshipKey
}

// FlowPart is what a message says of the flow. Zero values are not said.
type FlowPart struct {
	DefinitionID string
	ParentFlowID string
	TriggeredBy  json.RawMessage
	Status       flow.Status
	StartedAt    time.Time
	EndedAt      time.Time
	Meta         json.RawMessage
}

// NodePart is what a message says of a node. Zero values are not said.
type NodePart struct {
	ID        string
	Label     string
	Status    flow.Status
	Family    string
	Region    string
	StartedAt time.Time
	EndedAt   time.Time
	Meta      json.RawMessage
}

type messageWire struct {
	Type          string      `json:"type"`
	Flow          *flowWire   `json:"flow"`
	Nodes         *[]nodeWire `json:"nodes"`
	Relationships *[]relWire  `json:"relationships"`
	IDs           *[]string   `json:"ids"`
	Pairs         *[]relWire  `json:"pairs"`
}

type flowWire struct {
	ID           string          `json:"id"`
	DefinitionID string          `json:"definitionId"`
	ParentFlowID string          `json:"parentFlowId"`
	TriggeredBy  json.RawMessage `json:"triggeredBy"`
	Status       string          `json:"status"`
	StartedAt    float64         `json:"startedAt"`
	EndedAt      float64         `json:"endedAt"`
	Meta         json.RawMessage `json:"meta"`
}

type nodeWire struct {
	ID        string          `json:"id"`
	FlowID    string          `json:"flowId"`
	Label     string          `json:"label"`
	Status    string          `json:"status"`
	Family    string          `json:"family"`
	Region    string          `json:"region"`
	StartedAt float64         `json:"startedAt"`
	EndedAt   float64         `json:"endedAt"`
	Meta      json.RawMessage `json:"meta"`
}

type relWire struct {
	FromID     string  `json:"fromId"`
	ToID       string  `json:"toId"`
	FromFlowID string  `json:"fromFlowId"`
	ToFlowID   string  `json:"toFlowId"`
	Type       string  `json:"type"`
	Condition  string  `json:"condition"`
	Lag        float64 `json:"lag"`
}

var relationshipTypes = []flow.RelationshipType{
	flow.Contains, flow.FinishToStart, flow.StartToStart, flow.FinishToFinish, flow.StartToFinish, flow.Triggers,
}

var conditions = []string{"", flow.OnSuccess, flow.OnFailure, flow.Always}

const slugMessage = "invalid-message"

// ParseMessage reads a FlowMessage sent to that flow. Its errors are flow.Invalid and name
// the field.
func ParseMessage(body []byte, flowID, source string) (Message, error) {
	var w messageWire
	decoder := json.NewDecoder(bytes.NewReader(escapeNUL(body)))
	if err := decoder.Decode(&w); err != nil {
		return Message{}, flow.JSONError(slugMessage, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Message{}, flow.Invalidf(slugMessage, "there is more than one JSON value; send one message in a request")
	}
	r := reader{flowID: flowID}
	r.contradictions(w)
	if err := w.checkParts(); err != nil {
		return Message{}, err
	}
	m := Message{Source: source, Type: w.Type}
	if w.Flow != nil {
		m.Flow = r.flow(*w.Flow)
	}
	m.Nodes = onceEach(each(w.Nodes, "nodes", r.node))
	m.Rels = lastOfEach(each(w.Relationships, "relationships", r.relationship))
	m.Pairs = each(w.Pairs, "pairs", r.key)
	m.IDs = each(w.IDs, "ids", func(field, id string) string {
		r.id(field, id)
		return id
	})
	return m, r.err
}

// partsOf lists the parts that a message of each type has.
var partsOf = map[string][]string{
	flow.TypeSnapshot:    {"flow", "nodes", "relationships"},
	flow.TypeUpsertFlow:  {"flow"},
	flow.TypeUpsertNodes: {"nodes"},
	flow.TypeUpsertRels:  {"relationships"},
	flow.TypeDeleteNodes: {"ids"},
	flow.TypeDeleteRels:  {"pairs"},
}

// checkParts holds a message to the parts its type has, and takes any other part out, which says
// nothing: emitters written in Go send empty ones, which they cannot leave out.
func (w *messageWire) checkParts() error {
	wanted, known := partsOf[w.Type]
	if !known {
		return flow.Invalidf(slugMessage,
			"field \"type\" %.40q is unknown; use snapshot, upsert-flow, upsert-nodes, upsert-rels, delete-nodes or delete-rels", w.Type)
	}
	for _, part := range []struct {
		name  string
		there bool
		drop  func()
	}{
		{"flow", w.Flow != nil, func() { w.Flow = nil }},
		{"nodes", w.Nodes != nil, func() { w.Nodes = nil }},
		{"relationships", w.Relationships != nil, func() { w.Relationships = nil }},
		{"ids", w.IDs != nil, func() { w.IDs = nil }},
		{"pairs", w.Pairs != nil, func() { w.Pairs = nil }},
	} {
		if !slices.Contains(wanted, part.name) {
			part.drop()
		} else if !part.there {
			return flow.Invalidf(slugMessage, "a message of type %s has a field %q; it is missing", w.Type, part.name)
		}
	}
	return nil
}

func each[W, T any](list *[]W, name string, read func(field string, w W) T) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(*list))
	for i, w := range *list {
		out[i] = read(fmt.Sprintf("%s[%d]", name, i), w)
	}
	return out
}

// reader reads the parts of a message to one flow and keeps the first error.
type reader struct {
	flowID string
	err    error
}

func (r *reader) fail(err error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

func (r *reader) id(field, id string) {
	r.fail(flow.CheckSentID(field, id))
	r.fail(flow.CheckKey(field, r.flowID, id))
}

// named gives an id of something that need not be known here; "" is none.
func (r *reader) named(field, id string) string {
	if id != "" {
		r.fail(flow.CheckSentID(field, id))
	}
	return id
}

// here refuses an id that contradicts the path; "" does not.
func (r *reader) here(field, id string) {
	if id != "" && id != r.flowID {
		r.fail(flow.Invalidf("id-contradicts-path", "field %q is %.80q and the path says %.80q", field, id, r.flowID))
	}
}

// contradictions looks at all parts, those too that a message of its type does not have:
// whoever names another flow has sent the message to the wrong one.
func (r *reader) contradictions(w messageWire) {
	if w.Flow != nil {
		r.here("flow.id", w.Flow.ID)
	}
	each(w.Nodes, "nodes", func(field string, n nodeWire) error {
		r.here(field+".flowId", n.FlowID)
		return nil
	})
}

func (r *reader) flow(w flowWire) *FlowPart {
	p := &FlowPart{
		DefinitionID: r.named("flow.definitionId", w.DefinitionID), ParentFlowID: r.named("flow.parentFlowId", w.ParentFlowID),
		TriggeredBy: r.triggers("flow.triggeredBy", w.TriggeredBy), Meta: r.object("flow.meta", w.Meta),
		StartedAt: r.millis("flow.startedAt", w.StartedAt), EndedAt: r.millis("flow.endedAt", w.EndedAt),
	}
	p.Status = readStatus(w.Status)
	return p
}

func (r *reader) node(field string, w nodeWire) NodePart {
	r.id(field+".id", w.ID)
	p := NodePart{
		ID: w.ID, Label: flow.CleanName(w.Label), Family: flow.CleanName(w.Family), Region: flow.CleanName(w.Region),
		StartedAt: r.millis(field+".startedAt", w.StartedAt), EndedAt: r.millis(field+".endedAt", w.EndedAt),
		Meta: r.object(field+".meta", w.Meta),
	}
	p.Status = readStatus(w.Status)
	return p
}

func (r *reader) relationship(field string, w relWire) flow.Relationship {
	if !slices.Contains(conditions, w.Condition) {
		r.fail(flow.Invalidf(slugMessage, "field %q %.40q is unknown; use on-success, on-failure or always", field+".condition", w.Condition))
	}
	if w.Lag != math.Trunc(w.Lag) || math.Abs(w.Lag) > math.MaxInt32 {
		r.fail(flow.Invalidf(slugMessage, "field %q must be a whole number of seconds", field+".lag"))
	}
	return flow.Relationship{
		RelationshipKey: r.key(field, w), FromFlowID: r.elsewhere(field+".fromFlowId", w.FromFlowID),
		ToFlowID: r.elsewhere(field+".toFlowId", w.ToFlowID), Condition: w.Condition, LagSeconds: int(w.Lag),
	}
}

func (r *reader) key(field string, w relWire) flow.RelationshipKey {
	r.id(field+".fromId", w.FromID)
	r.id(field+".toId", w.ToID)
	r.fail(flow.CheckKey(field, r.flowID, w.FromID, w.ToID))
	typ := flow.RelationshipType(w.Type)
	if !slices.Contains(relationshipTypes, typ) {
		r.fail(flow.Invalidf(slugMessage, "field %q %.40q is unknown; see the list of relationship types", field+".type", w.Type))
	}
	if w.FromID == w.ToID && r.elsewhere("", w.FromFlowID) == r.elsewhere("", w.ToFlowID) {
		r.fail(flow.Invalidf(slugMessage, "%s relates %.80q to itself", field, w.FromID))
	}
	return flow.RelationshipKey{FromID: w.FromID, ToID: w.ToID, Type: typ}
}

// elsewhere gives another flow's id; "" where it is this one.
func (r *reader) elsewhere(field, id string) string {
	if id == "" || id == r.flowID {
		return ""
	}
	r.id(field, id)
	return id
}

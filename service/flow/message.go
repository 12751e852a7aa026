package flow

import (
	"encoding/json"
	"time"
)

// The types of a FlowMessage, schema version 1; also the names of the stream's events.
const (
	TypeSnapshot    = "snapshot"
	TypeUpsertFlow  = "upsert-flow"
	TypeUpsertNodes = "upsert-nodes"
	TypeUpsertRels  = "upsert-rels"
	TypeDeleteNodes = "delete-nodes"
	TypeDeleteRels  = "delete-rels"
)

// FlowWire is a FlowInstance as it travels. Times are unix milliseconds.
type FlowWire struct {
	ID           string          `json:"id"`
	DefinitionID string          `json:"definitionId,omitempty"`
	ParentFlowID string          `json:"parentFlowId,omitempty"`
	TriggeredBy  json.RawMessage `json:"triggeredBy,omitempty"`
	Status       Status          `json:"status"`
	StartedAt    int64           `json:"startedAt"`
	EndedAt      int64           `json:"endedAt,omitempty"`
	Meta         json.RawMessage `json:"meta,omitempty"`
}

// NodeWire is a FlowNode as it travels. Times are unix milliseconds, left out where unknown.
type NodeWire struct {
	ID        string          `json:"id"`
	FlowID    string          `json:"flowId"`
	Label     string          `json:"label"`
	Status    Status          `json:"status"`
	Family    string          `json:"family,omitempty"`
	Region    string          `json:"region,omitempty"`
	StartedAt int64           `json:"startedAt,omitempty"`
	EndedAt   int64           `json:"endedAt,omitempty"`
	Meta      json.RawMessage `json:"meta,omitempty"`
}

// RelationshipWire is a Relationship as it travels; lag is in seconds.
type RelationshipWire struct {
	FromID     string           `json:"fromId"`
	ToID       string           `json:"toId"`
	FromFlowID string           `json:"fromFlowId,omitempty"`
	ToFlowID   string           `json:"toFlowId,omitempty"`
	Type       RelationshipType `json:"type"`
	Condition  string           `json:"condition,omitempty"`
	Lag        int              `json:"lag,omitempty"`
}

// SnapshotMessage is the envelope of a whole flow; its lists are never null.
type SnapshotMessage struct {
	Type          string             `json:"type" const:"snapshot"`
	Flow          FlowWire           `json:"flow"`
	Nodes         []NodeWire         `json:"nodes"`
	Relationships []RelationshipWire `json:"relationships"`
}

// FlowMessage is the envelope of upsert-flow.
type FlowMessage struct {
	Type string   `json:"type" const:"upsert-flow"`
	Flow FlowWire `json:"flow"`
}

// NodesMessage is the envelope of upsert-nodes.
type NodesMessage struct {
	Type  string     `json:"type" const:"upsert-nodes"`
	Nodes []NodeWire `json:"nodes"`
}

// RelsMessage is the envelope of upsert-rels.
type RelsMessage struct {
	Type          string             `json:"type" const:"upsert-rels"`
	Relationships []RelationshipWire `json:"relationships"`
}

// DeleteNodesMessage is the envelope of delete-nodes.
type DeleteNodesMessage struct {
	Type string   `json:"type" const:"delete-nodes"`
	IDs  []string `json:"ids"`
}

// DeleteRelsMessage is the envelope of delete-rels.
type DeleteRelsMessage struct {
	Type  string            `json:"type" const:"delete-rels"`
	Pairs []RelationshipKey `json:"pairs"`
}

// Snapshot builds the envelope of a whole flow from a delta that holds all of it.
func Snapshot(d Delta) SnapshotMessage {
	m := SnapshotMessage{Type: TypeSnapshot, Relationships: make([]RelationshipWire, 0, len(d.Relationships))}
	if d.Flow != nil {
		m.Flow = d.Flow.Wire()
	}
	m.Nodes = wireJobs(m.Flow.ID, d.Jobs)
	for _, r := range d.Relationships {
		if r.Visible {
			m.Relationships = append(m.Relationships, r.Wire())
		}
	}
	return m
}

// EmptySnapshot is what is shown of a deployment that has no flow yet.
func EmptySnapshot(d Deployment) SnapshotMessage {
	return Snapshot(Delta{Flow: &Flow{ID: d.ID, Status: Pending, CreatedAt: d.CreatedAt}})
}

// Message is one envelope of a delta and the name of the event that carries it.
type Message struct {
	Event string
	Body  any
}

// Messages gives the envelopes that turn what a client knows at d.From into what is
// known at d.To, in an order that leaves no edge without its ends: edges go before
// nodes go, nodes come before edges come.
func Messages(flowID string, d Delta) []Message {
	var ms []Message
	gone := append([]RelationshipKey{}, d.RemovedRelationships...)
	removed := map[string]bool{}
	for _, id := range d.RemovedJobs {
		removed[id] = true
	}
	var rels []RelationshipWire
	for _, r := range d.Relationships {
		if r.Visible {
			rels = append(rels, r.Wire())
		}
		// With a job that went and came back its edges did so too, and are drawn last.
		if !r.Visible || removed[r.FromID] || removed[r.ToID] {
			gone = append(gone, r.RelationshipKey)
		}
	}
	if len(gone) > 0 {
		ms = append(ms, Message{TypeDeleteRels, DeleteRelsMessage{TypeDeleteRels, gone}})
	}
	if len(d.RemovedJobs) > 0 {
		ms = append(ms, Message{TypeDeleteNodes, DeleteNodesMessage{TypeDeleteNodes, d.RemovedJobs}})
	}
	if len(d.Jobs) > 0 {
		ms = append(ms, Message{TypeUpsertNodes, NodesMessage{TypeUpsertNodes, wireJobs(flowID, d.Jobs)}})
	}
	if len(rels) > 0 {
		ms = append(ms, Message{TypeUpsertRels, RelsMessage{TypeUpsertRels, rels}})
	}
	if d.Flow != nil {
		ms = append(ms, Message{TypeUpsertFlow, FlowMessage{TypeUpsertFlow, d.Flow.Wire()}})
	}
	return ms
}

func wireJobs(flowID string, jobs []Job) []NodeWire {
	nodes := make([]NodeWire, len(jobs))
	for i, j := range jobs {
		nodes[i] = j.Wire(flowID)
	}
	return nodes
}

// Wire gives the flow as it travels. Before it started, startedAt is when it became known.
func (f Flow) Wire() FlowWire {
	started := f.StartedAt
	if started.IsZero() {
		started = f.CreatedAt
	}
	return FlowWire{
		ID: f.ID, DefinitionID: f.DefinitionID, ParentFlowID: f.ParentFlowID, TriggeredBy: f.TriggeredBy,
		Status: f.Status, StartedAt: Millis(started), EndedAt: Millis(f.EndedAt), Meta: f.wireMeta(),
	}
}

// nodeMeta is the finer state of a node; emitters' own fields are merged under it.
type nodeMeta struct {
	State        string   `json:"state,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	WaitingOn    []string `json:"waitingOn,omitempty"`
	Attempt      int      `json:"attempt,omitempty"`
	ChartVersion string   `json:"chartVersion,omitempty"`
	Action       string   `json:"action,omitempty"`
}

// Wire gives the job as it travels, as a node of that flow.
func (j Job) Wire(flowID string) NodeWire {
	return NodeWire{
		ID: j.ID, FlowID: flowID, Label: j.Label(), Status: j.Status, Family: j.Family, Region: j.Region,
		StartedAt: Millis(j.StartedAt), EndedAt: Millis(j.FinishedAt), Meta: j.wireMeta(),
	}
}

func (j Job) wireMeta() json.RawMessage {
	m := nodeMeta{State: j.State, Reason: j.Reason, WaitingOn: j.WaitingOn, Attempt: j.Attempt, ChartVersion: j.ChartVersion, Action: j.Action}
	derived, err := json.Marshal(m)
	if err != nil || string(derived) == "{}" {
		return j.Meta
	}
	if len(j.Meta) == 0 {
		return derived
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(derived, &fields) != nil {
		return j.Meta
	}
	return mergeMeta(j.Meta, fields)
}

// mergeMeta lays fields over an object, whose own values stay as they were written; what
// is not an object is replaced.
func mergeMeta(base json.RawMessage, fields map[string]json.RawMessage) json.RawMessage {
	merged := map[string]json.RawMessage{}
	if len(base) > 0 && json.Unmarshal(base, &merged) != nil {
		merged = map[string]json.RawMessage{}
	}
	for k, v := range fields {
		merged[k] = v
	}
	out, err := json.Marshal(merged)
	if err != nil {
		return base
	}
	return out
}

// Wire gives the relationship as it travels.
func (r Relationship) Wire() RelationshipWire {
	return RelationshipWire{
		FromID: r.FromID, ToID: r.ToID, FromFlowID: r.FromFlowID, ToFlowID: r.ToFlowID,
		Type: r.Type, Condition: r.Condition, Lag: r.LagSeconds,
	}
}

// Millis gives unix milliseconds; 0, which is left out of the wire, for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

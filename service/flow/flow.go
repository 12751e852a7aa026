package flow

import (
	"encoding/json"
	"time"
)

// JobType says whether a job does work or only contains others.
type JobType string

// The job types of the wire.
const (
	TypeInstall JobType = "install"
	TypeGroup   JobType = "group"
)

// SourceBridge marks rows that the bridge wrote; any other source is an emitter's name.
const SourceBridge = "bridge"

// Deployment is the record of one cluster. Regions[0] is the primary region.
type Deployment struct {
	ID            string          `json:"id"`
	SovereignFQDN string          `json:"sovereignFQDN,omitempty"`
	Provider      string          `json:"provider,omitempty"`
	Regions       []string        `json:"regions,omitempty"`
	Meta          json.RawMessage `json:"meta,omitempty"`
	CreatedAt     time.Time       `json:"createdAt,omitzero"`
	UpdatedAt     time.Time       `json:"updatedAt,omitzero"`
}

// Flow is one run of a provision. Status, StartedAt, EndedAt and FailedJobs are derived
// from its leaves, unless an emitter declared them and the bridge has no jobs in it.
type Flow struct {
	ID           string          `json:"id"`
	DefinitionID string          `json:"definitionId,omitempty"`
	ParentFlowID string          `json:"parentFlowId,omitempty"`
	TriggeredBy  json.RawMessage `json:"triggeredBy,omitempty"`
	Declared     bool            `json:"declared,omitempty"` // an emitter said what the status is; else it follows from the jobs
	Status       Status          `json:"status"`
	StartedAt    time.Time       `json:"startedAt,omitzero"` // zero until something started
	EndedAt      time.Time       `json:"endedAt,omitzero"`   // zero until all leaves are terminal
	FailedJobs   int             `json:"failedJobs,omitempty"`
	Meta         json.RawMessage `json:"meta,omitempty"`
	Watches      []Watch         `json:"watches,omitempty"` // by region, the primary one first
	Estimate     Estimate        `json:"estimate,omitzero"` // of its end, while it runs
	CreatedAt    time.Time       `json:"createdAt,omitzero"`
}

// Watch is what is known of the watching of a region's cluster: whether it can be looked
// at, and how it came out. The flow's status follows from its jobs, not from this.
type Watch struct {
	Region  string `json:"region,omitempty"`
	Sight   Told   `json:"sight,omitzero"`   // "watching" or "blind"
	Outcome Told   `json:"outcome,omitzero"` // "" until it has come out
}

// Told is what somebody says to be so: since when, and when it was last said.
type Told struct {
	State   string    `json:"state,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	At      time.Time `json:"at,omitzero"`
	Message string    `json:"message,omitempty"`
}

// Job is a node of a flow. Times are zero where not (yet) known. Groups carry the
// roll-up of their leaves; WaitingOn is derived for every pending job.
type Job struct {
	ID           string          `json:"id"`
	Name         string          `json:"name,omitempty"`
	DisplayName  string          `json:"displayName,omitempty"`
	Type         JobType         `json:"type,omitempty"`
	Family       string          `json:"family,omitempty"`
	AppID        string          `json:"appId,omitempty"`
	Region       string          `json:"region,omitempty"`
	Namespace    string          `json:"namespace,omitempty"`
	Chart        string          `json:"chart,omitempty"`
	Source       string          `json:"source,omitempty"`
	Status       Status          `json:"status"`
	StartedAt    time.Time       `json:"startedAt,omitzero"`  // start of the first attempt since it last succeeded
	FinishedAt   time.Time       `json:"finishedAt,omitzero"` // end of the latest attempt, once it has ended
	State        string          `json:"state,omitempty"`     // finer state, as the source named it
	Reason       string          `json:"reason,omitempty"`
	ChartVersion string          `json:"chartVersion,omitempty"`
	Attempt      int             `json:"attempt,omitempty"`
	ExecutionID  string          `json:"executionId,omitempty"` // latest
	WaitingOn    []string        `json:"waitingOn,omitempty"`
	Meta         json.RawMessage `json:"meta,omitempty"`     // what an emitter said beyond the known fields
	Action       string          `json:"action,omitempty"`   // what is done to a resource: create, update, replace, delete, read
	Run          Run             `json:"run,omitzero"`       // of a group that runs itself
	Position     int64           `json:"position,omitempty"` // order of first appearance in the flow
}

// Run is the own run of a group that does work itself besides what it contains, as a step
// does that applies resources. The zero Run is that of a group which only contains.
type Run struct {
	Status     Status    `json:"status,omitempty"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
}

// StateCancelled is the finer state of a pending job that will not begin, since what it is
// part of has ended. The bridge sets it; such a job counts in no roll-up.
const StateCancelled = "cancelled"

// StateNoOp is the finer state of a job that succeeded since nothing of what was planned had
// to be done. The bridge sets it.
const StateNoOp = "no-op"

// Label is what a person reads: the display name, else the job's name.
func (j Job) Label() string {
	if j.DisplayName != "" {
		return j.DisplayName
	}
	return j.Name
}

// RelationshipType is the kind of an edge.
type RelationshipType string

// The relationship types of the wire.
const (
	Contains       RelationshipType = "contains"
	FinishToStart  RelationshipType = "finish-to-start"
	StartToStart   RelationshipType = "start-to-start"
	FinishToFinish RelationshipType = "finish-to-finish"
	StartToFinish  RelationshipType = "start-to-finish"
	Triggers       RelationshipType = "triggers"
)

// Conditions of an edge. The bridge's edges have the first, which is also meant where none is named.
const (
	OnSuccess = "on-success"
	OnFailure = "on-failure"
	Always    = "always"
)

// RelationshipKey is the natural key of an edge within its flow.
type RelationshipKey struct {
	FromID string           `json:"fromId"`
	ToID   string           `json:"toId"`
	Type   RelationshipType `json:"type"`
}

// Relationship is an edge. It is Visible when both its ends are known jobs (or lie
// in another flow, and it says so); until then it is kept and not shown.
type Relationship struct {
	RelationshipKey
	FromFlowID string `json:"fromFlowId,omitempty"` // "" for the edge's own flow
	ToFlowID   string `json:"toFlowId,omitempty"`
	Condition  string `json:"condition,omitempty"`
	LagSeconds int    `json:"lagSeconds,omitempty"`
	Source     string `json:"source,omitempty"`
	Visible    bool   `json:"-"`
	Position   int64  `json:"position,omitempty"`
}

// Local reports that both ends lie in the edge's own flow. Only such an edge is walked: an
// id says nothing outside its flow, and this one may have a job of the same id.
func (r Relationship) Local() bool { return r.FromFlowID == "" && r.ToFlowID == "" }

// SatisfiedBy reports that what the edge leads to need not wait any more for a job of that status.
func (r Relationship) SatisfiedBy(s Status) bool {
	switch r.Condition {
	case Always:
		return s.Terminal()
	case OnFailure:
		return s == Failed
	}
	return s == Succeeded
}

// within gives the edge as it is kept in that flow, which is not named then.
func (r Relationship) within(flowID string) Relationship {
	if r.FromFlowID == flowID {
		r.FromFlowID = ""
	}
	if r.ToFlowID == flowID {
		r.ToFlowID = ""
	}
	return r
}

// Execution is one attempt at a job.
type Execution struct {
	ID         string    `json:"id"`
	JobID      string    `json:"jobId,omitempty"`
	Attempt    int       `json:"attempt,omitempty"`
	Status     Status    `json:"status"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"` // zero while open
	LineCount  int64     `json:"lineCount,omitempty"`
}

// LogLine is one line of an execution; Number counts from 1 and is given by the store.
type LogLine struct {
	ExecutionID string    `json:"executionId,omitempty"`
	Number      int64     `json:"number"`
	At          time.Time `json:"at,omitzero"`
	Level       string    `json:"level,omitempty"`
	Message     string    `json:"message,omitempty"`
}

// Transition is one row of history: what a job was, what it became, when it
// happened and why. From equals To where a fact was noted without effect.
type Transition struct {
	JobID       string    `json:"jobId,omitempty"`
	ExecutionID string    `json:"executionId,omitempty"`
	From        Status    `json:"from,omitempty"`
	To          Status    `json:"to,omitempty"`
	State       string    `json:"state,omitempty"`
	OccurredAt  time.Time `json:"occurredAt,omitzero"`
	Cause       string    `json:"cause,omitempty"`
	Before      int       `json:"before,omitempty"` // in an archive: how many equal ones came before it
}

// BridgeCursor is what the bridge remembers of a job between two events: the last
// state it applied, when that happened, and the open or last execution.
type BridgeCursor struct {
	JobID        string    `json:"jobId,omitempty"`
	State        string    `json:"state,omitempty"`
	ChartVersion string    `json:"chartVersion,omitempty"`
	ObservedAt   time.Time `json:"observedAt,omitzero"` // time of the last applied state
	DependsAt    time.Time `json:"dependsAt,omitzero"`  // time of the last event that said what the job depends on
	ActiveAt     time.Time `json:"activeAt,omitzero"`   // time of the latest fact that says it is at work, those without effect too
	EndedAt      time.Time `json:"endedAt,omitzero"`    // time of the latest fact that says it has ended
	Execution    Execution `json:"execution,omitzero"`  // latest; zero before the first
	Began        time.Time `json:"began,omitzero"`      // start of the latest attempt whose start the source has said
	Revision     int       `json:"revision,omitempty"`  // which of those that began in that second
	BeganAttempt int       `json:"beganAttempt,omitempty"`
	Failures     int       `json:"failures,omitempty"` // as the source counted when it last spoke of an attempt
}

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
	ID            string
	SovereignFQDN string
	Provider      string
	Regions       []string
	Meta          json.RawMessage
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Flow is one run of a provision. Status, StartedAt, EndedAt and FailedJobs are derived
// from its leaves, unless an emitter declared them and the bridge has no jobs in it.
type Flow struct {
	ID           string
	DefinitionID string
	ParentFlowID string
	TriggeredBy  json.RawMessage
	Declared     bool // an emitter said what the status is; else it follows from the jobs
	Status       Status
	StartedAt    time.Time // zero until something started
	EndedAt      time.Time // zero until all leaves are terminal
	FailedJobs   int
	Meta         json.RawMessage
	CreatedAt    time.Time
}

// Job is a node of a flow. Times are zero where not (yet) known. Groups carry the
// roll-up of their leaves; WaitingOn is derived for every pending job.
type Job struct {
	ID           string
	Name         string
	DisplayName  string
	Type         JobType
	Family       string
	AppID        string
	Region       string
	Namespace    string
	Chart        string
	Source       string
	Status       Status
	StartedAt    time.Time // start of the first attempt
	FinishedAt   time.Time // end of the latest attempt, once it has ended
	State        string    // finer state, as the source named it
	Reason       string
	ChartVersion string
	Attempt      int
	ExecutionID  string // latest
	WaitingOn    []string
	Meta         json.RawMessage // what an emitter said beyond the known fields
	Position     int64           // order of first appearance in the flow
}

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

// OnSuccess is the condition of every edge the bridge makes.
const OnSuccess = "on-success"

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
	FromFlowID string
	ToFlowID   string
	Condition  string
	LagSeconds int
	Source     string
	Visible    bool
	Position   int64
}

// Execution is one attempt at a job.
type Execution struct {
	ID         string
	JobID      string
	Attempt    int
	Status     Status
	StartedAt  time.Time
	FinishedAt time.Time // zero while open
	LineCount  int64
}

// LogLine is one line of an execution; Number counts from 1 and is given by the store.
type LogLine struct {
	ExecutionID string
	Number      int64
	At          time.Time
	Level       string
	Message     string
}

// Transition is one row of history: what a job was, what it became, when it
// happened and why. From equals To where a fact was noted without effect.
type Transition struct {
	JobID       string
	ExecutionID string
	From        Status
	To          Status
	State       string
	OccurredAt  time.Time
	Cause       string
}

// BridgeCursor is what the bridge remembers of a job between two events: the last
// state it applied, when that happened, and the open or last execution.
type BridgeCursor struct {
	JobID        string
	State        string
	ChartVersion string
	ObservedAt   time.Time // time of the last applied state
	DependsAt    time.Time // time of the last event that said what the job depends on
	Execution    Execution // latest; zero before the first
}

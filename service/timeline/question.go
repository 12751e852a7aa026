package timeline

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Window is a span of time, From included and To not.
type Window struct {
	From, To time.Time
}

// Place is where a provision stands in the list, latest start first; the zero place is
// before the first.
type Place struct {
	StartedAt time.Time
	FlowID    string
	Epoch     string
}

// Place is where the provision stands in the list of those that have begun.
func (p Provision) Place() Place { return Place{p.StartedAt, p.FlowID, p.Epoch} }

// ProvisionQuery asks for one page of the provisions that began in the window.
type ProvisionQuery struct {
	Window
	Prefix  string      // of the flows' ids, "" for all
	Outcome flow.Status // "" for all
	After   Place
	Limit   int
}

// ComponentQuery asks for one page of the components with attempts that began in the window, by name.
type ComponentQuery struct {
	Window
	Prefix string // of the ids of the flows that count, "" for all
	Region string // "" for all regions together
	After  string // name of the last component seen
	Limit  int
}

// ComponentStats is a component's attempts that have ended. Quantiles are over those that
// succeeded (Ran) and over all (Waited).
type ComponentStats struct {
	Component string
	Runs      int // attempts that have ended
	Flows     int
	Failures  int // attempts that failed
	Retries   int // attempts after one that failed
	Waited    Quantiles
	Ran       Quantiles
}

// Quantiles are of durations; Known is false where there was nothing to measure.
type Quantiles struct {
	P50, P90, P99 time.Duration
	Known         bool
}

// Comparison is how flow B differs from flow A, job by job, those that differ most first;
// jobs that do not differ are not in it.
type Comparison struct {
	A, B Provision
	Jobs []Difference
}

// Difference is one job, matched by name.
type Difference struct {
	Name   string
	Change Change
	A, B   Side          // zero where the job is not in that flow
	More   time.Duration // B's Ran less A's, where it is in both
	Path   PathChange
}

// Side is what a job did in one flow: its last status and its attempts together.
type Side struct {
	JobID    string
	Status   flow.Status
	Attempts int
	Waited   time.Duration
	Ran      time.Duration
	Critical bool
}

// Change says how a job's run differs.
type Change string

// The changes. Same is of a job that ran equally long and differs in something else.
const (
	OnlyInA Change = "only-in-a"
	OnlyInB Change = "only-in-b"
	Faster  Change = "faster"
	Slower  Change = "slower"
	Same    Change = "same"
)

// PathChange says how a job stands to the critical path in B, compared with A.
type PathChange string

// The path changes.
const (
	OnPath   PathChange = "on"
	OffPath  PathChange = "off"
	MovedOn  PathChange = "moved-on"
	MovedOff PathChange = "moved-off"
)

// Diagnosis is what failed in a flow and what that stops.
type Diagnosis struct {
	Roots   []RootFailure // in the order in which they failed
	Stopped []Stopped     // in order of appearance
}

// RootFailure is a failed job that comes after no other failed one.
type RootFailure struct {
	JobID       string
	Name        string
	Component   string
	Attempt     int
	ExecutionID string
	FailedAt    time.Time
	Reason      string // as the source said it; else the last error in its log
	Stops       int    // how many jobs it stops, or made fail
}

// Stopped is a job that did not begin, or failed, after a root failure.
type Stopped struct {
	JobID  string
	Name   string
	Status flow.Status
	Roots  []string // ids of the root failures it comes after
	Only   bool     // nothing that still runs or may begin holds it up beside them
}

// Estimate is what remains of a running flow. Runs is how many earlier provisions of the
// same shape it rests on; with none, nothing is known.
type Estimate struct {
	FlowID string
	Runs   int
	Flow   Remaining
	Jobs   []JobEstimate // what has not ended, in order of appearance
}

// JobEstimate is what remains until a job ends.
type JobEstimate struct {
	JobID     string // "" for one that earlier provisions had and this one does not know yet
	Name      string
	Remaining Remaining
}

// Remaining is the time from now to an end, between a low and a high value.
type Remaining struct {
	Low, High time.Duration
	Known     bool
}

// Moment is a flow at a past moment: its own row, its jobs and groups in order of
// appearance, and the relationships between them. What was taken out meanwhile is there
// with its id and status alone.
type Moment struct {
	At            time.Time
	Flow          flow.Flow
	Jobs          []flow.Job
	Relationships []flow.Relationship
}

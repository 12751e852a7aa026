package timeline

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Timeline is one flow's rows in order of beginning, those that have not begun last.
type Timeline struct {
	Provision Provision
	Rows      []Row
	Phases    []Phase // in order of beginning, those that have not begun last
}

// Row is one attempt at a job, or a job that has not begun (Attempt 0).
type Row struct {
	JobID        string
	Name         string
	Label        string
	Attempt      int
	ExecutionID  string // "" where the source knows no executions
	Status       flow.Status
	Group        string // id of the group the job is in, "" for none
	Phase        string // name of the outermost group, "" for none
	Region       string
	Component    string // the chart, else the job's name
	ChartVersion string // of the job's latest attempt
	Position     int64  // order of first appearance in the flow
	StartedAt    time.Time
	EndedAt      time.Time // zero while it runs
	Until        time.Time // EndedAt, or now while it runs; zero where that is not known
	Ran          time.Duration
	Wait         Wait
	Later        bool // an upgrade, or a day-2 mutation: not part of the provision
	Critical     bool // Slack is zero
	Slack        time.Duration
	SlackKnown   bool          // false for what has not begun and what is Later
	PathStep     int           // place on the critical path, from 1; 0 off it
	PathIdle     time.Duration // on the path, from the blocker's end (or the flow's start) to the beginning
	PathRan      time.Duration // on the path, up to the beginning of the next step at most
}

// Wait is the interval before an attempt began. Blocked and Idle add up to Waited.
type Wait struct {
	From    time.Time     // when the job was first heard of, or its previous attempt ended; zero: not known
	On      []string      // ids of the jobs and groups it comes after that had not ended at From
	Blocker string        // id of the job that ended the wait, "" for none
	Attempt int           // the blocker's
	Waited  time.Duration // up to now for what has not begun
	Blocked time.Duration // of it, until the blocker ended
	Idle    time.Duration // of it, from then on
}

// Path is a critical path: its rows in order of time, and the sums over them.
type Path struct {
	Rows []Row
	Ran  time.Duration
	Idle time.Duration
}

// Phase is the time between the first beginning and the last end in a phase.
type Phase struct {
	Name      string // of the outermost group, "" for jobs in none
	StartedAt time.Time
	EndedAt   time.Time // zero while a job of it has not ended
	Took      time.Duration
	Jobs      int
	Failed    int
}

// Provision is one row for a flow, also for one whose live state is gone.
type Provision struct {
	FlowID       string
	Epoch        string // tells this life of the flow from another one of the same id
	DefinitionID string
	Provider     string
	Regions      []string
	Outcome      flow.Status
	StartedAt    time.Time // zero: nothing has begun
	EndedAt      time.Time // zero: not everything has ended
	// ProvisionedAt is the end of the last attempt that is not Later; zero before all have
	// ended. It is EndedAt where nothing is Later.
	ProvisionedAt time.Time
	Took          time.Duration // from StartedAt to ProvisionedAt, or up to now
	Jobs          Tally
	Attempts      int
	Retries       int  // attempts after one that failed
	HasPath       bool // false while nothing of it has begun
	PathRan       time.Duration
	PathIdle      time.Duration
	PhaseTook     map[string]time.Duration // by the phase's name
	FirstFailure  Failure                  // zero: none failed
	Removed       bool                     // the flow's live state is gone
}

// Tally counts jobs that do work themselves and were not set aside.
type Tally struct {
	All, Pending, Running, Succeeded, Failed int
}

// Add counts a job of that status.
func (t *Tally) Add(s flow.Status) {
	t.All++
	switch s {
	case flow.Running:
		t.Running++
	case flow.Succeeded:
		t.Succeeded++
	case flow.Failed:
		t.Failed++
	default:
		t.Pending++
	}
}

// Failure is the attempt that failed first.
type Failure struct {
	JobID   string
	Attempt int
	At      time.Time
}

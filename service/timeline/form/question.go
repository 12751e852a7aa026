package form

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Provisions is a page of them, latest start first; Next is left out on the last.
type Provisions struct {
	From       time.Time   `json:"from"`
	To         time.Time   `json:"to"`
	Provisions []Provision `json:"provisions"`
	Next       string      `json:"next,omitempty"`
}

// Components is a page of them, by name; Next is left out on the last.
type Components struct {
	From       time.Time   `json:"from"`
	To         time.Time   `json:"to"`
	Components []Component `json:"components"`
	Next       string      `json:"next,omitempty"`
}

// Component is a component's attempts in a window. Percentiles are left out where there
// was nothing to measure.
type Component struct {
	Component   string `json:"component"`
	Runs        int    `json:"runs"`
	Flows       int    `json:"flows"`
	Failures    int    `json:"failures"`
	Retries     int    `json:"retries"`
	WaitedP50Ms *int64 `json:"waitedP50Ms,omitempty"`
	WaitedP90Ms *int64 `json:"waitedP90Ms,omitempty"`
	WaitedP99Ms *int64 `json:"waitedP99Ms,omitempty"`
	RanP50Ms    *int64 `json:"ranP50Ms,omitempty"`
	RanP90Ms    *int64 `json:"ranP90Ms,omitempty"`
	RanP99Ms    *int64 `json:"ranP99Ms,omitempty"`
}

// Comparison is how flow B differs from flow A, what differs most first.
type Comparison struct {
	A    Provision    `json:"a"`
	B    Provision    `json:"b"`
	Jobs []Difference `json:"jobs"`
}

// Difference is one job that is not the same in both.
type Difference struct {
	Name      string              `json:"name"`
	Change    timeline.Change     `json:"change"`
	Path      timeline.PathChange `json:"path"`
	MoreMs    int64               `json:"moreMs"`
	JobIDA    string              `json:"jobIdA,omitempty"`
	JobIDB    string              `json:"jobIdB,omitempty"`
	StatusA   flow.Status         `json:"statusA,omitempty"`
	StatusB   flow.Status         `json:"statusB,omitempty"`
	AttemptsA int                 `json:"attemptsA"`
	AttemptsB int                 `json:"attemptsB"`
	WaitedAMs int64               `json:"waitedAMs"`
	WaitedBMs int64               `json:"waitedBMs"`
	RanAMs    int64               `json:"ranAMs"`
	RanBMs    int64               `json:"ranBMs"`
	CriticalA bool                `json:"criticalA"`
	CriticalB bool                `json:"criticalB"`
}

// Diagnosis is what failed first and what that stops.
type Diagnosis struct {
	FlowID  string        `json:"flowId"`
	Roots   []RootFailure `json:"roots"`
	Stopped []Stopped     `json:"stopped"`
}

// RootFailure is a failed job that comes after no other failed one.
type RootFailure struct {
	JobID       string     `json:"jobId"`
	Name        string     `json:"name"`
	Component   string     `json:"component,omitempty"`
	Attempt     int        `json:"attempt"`
	ExecutionID string     `json:"executionId,omitempty"`
	FailedAt    *time.Time `json:"failedAt,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Stops       int        `json:"stops"`
}

// Stopped is a job that did not begin, or failed, after a root failure.
type Stopped struct {
	JobID  string      `json:"jobId"`
	Name   string      `json:"name"`
	Status flow.Status `json:"status"`
	Roots  []string    `json:"roots"`
	Only   bool        `json:"only"`
}

// Estimate is when a running flow and its jobs are expected to end.
type Estimate struct {
	FlowID string        `json:"flowId"`
	AsOf   time.Time     `json:"asOf"`
	Runs   int           `json:"runs"`
	Flow   Remaining     `json:"flow"`
	Jobs   []JobEstimate `json:"jobs"`
}

// JobEstimate is what remains until a job ends; JobID is left out where earlier provisions
// had it and this one does not know it yet.
type JobEstimate struct {
	JobID string `json:"jobId,omitempty"`
	Name  string `json:"name"`
	Remaining
}

// Remaining is the time from AsOf to an end; without its numbers it is not known.
type Remaining struct {
	Known     bool       `json:"known"`
	LowMs     *int64     `json:"lowMs,omitempty"`
	HighMs    *int64     `json:"highMs,omitempty"`
	EndsFrom  *time.Time `json:"endsFrom,omitempty"`
	EndsUntil *time.Time `json:"endsUntil,omitempty"`
}

// FromProvisions gives a page of provisions as it travels.
func FromProvisions(w timeline.Window, list []timeline.Provision, next string) Provisions {
	page := Provisions{From: w.From.UTC(), To: w.To.UTC(), Provisions: make([]Provision, len(list)), Next: next}
	for i, p := range list {
		page.Provisions[i] = FromProvision(p)
	}
	return page
}

// FromComponents gives a page of components as it travels.
func FromComponents(w timeline.Window, list []timeline.ComponentStats, next string) Components {
	page := Components{From: w.From.UTC(), To: w.To.UTC(), Components: make([]Component, len(list)), Next: next}
	for i, c := range list {
		page.Components[i] = Component{
			Component: c.Component, Runs: c.Runs, Flows: c.Flows, Failures: c.Failures, Retries: c.Retries,
		}
		page.Components[i].WaitedP50Ms, page.Components[i].WaitedP90Ms, page.Components[i].WaitedP99Ms = fromQuantiles(c.Waited)
		page.Components[i].RanP50Ms, page.Components[i].RanP90Ms, page.Components[i].RanP99Ms = fromQuantiles(c.Ran)
	}
	return page
}

func fromQuantiles(q timeline.Quantiles) (p50, p90, p99 *int64) {
	if !q.Known {
		return nil, nil, nil
	}
	a, b, c := q.P50.Milliseconds(), q.P90.Milliseconds(), q.P99.Milliseconds()
	return &a, &b, &c
}

// FromComparison gives a comparison as it travels.
func FromComparison(c timeline.Comparison) Comparison {
	w := Comparison{A: FromProvision(c.A), B: FromProvision(c.B), Jobs: make([]Difference, len(c.Jobs))}
	for i, d := range c.Jobs {
		w.Jobs[i] = Difference{
			Name: d.Name, Change: d.Change, Path: d.Path, MoreMs: d.More.Milliseconds(), JobIDA: d.A.JobID, JobIDB: d.B.JobID,
			StatusA: d.A.Status, StatusB: d.B.Status, AttemptsA: d.A.Attempts, AttemptsB: d.B.Attempts,
			WaitedAMs: d.A.Waited.Milliseconds(), WaitedBMs: d.B.Waited.Milliseconds(), RanAMs: d.A.Ran.Milliseconds(), RanBMs: d.B.Ran.Milliseconds(),
			CriticalA: d.A.Critical, CriticalB: d.B.Critical,
		}
	}
	return w
}

// FromDiagnosis gives a diagnosis as it travels.
func FromDiagnosis(flowID string, d timeline.Diagnosis) Diagnosis {
	w := Diagnosis{FlowID: flowID, Roots: make([]RootFailure, len(d.Roots)), Stopped: make([]Stopped, len(d.Stopped))}
	for i, r := range d.Roots {
		w.Roots[i] = RootFailure{r.JobID, r.Name, r.Component, r.Attempt, r.ExecutionID, moment(r.FailedAt), r.Reason, r.Stops}
	}
	for i, s := range d.Stopped {
		w.Stopped[i] = Stopped{s.JobID, s.Name, s.Status, append([]string{}, s.Roots...), s.Only}
	}
	return w
}

// FromEstimate gives an estimate as it travels.
func FromEstimate(e timeline.Estimate, asOf time.Time) Estimate {
	w := Estimate{FlowID: e.FlowID, AsOf: asOf.UTC(), Runs: e.Runs, Flow: fromRemaining(e.Flow, asOf), Jobs: make([]JobEstimate, len(e.Jobs))}
	for i, j := range e.Jobs {
		w.Jobs[i] = JobEstimate{j.JobID, j.Name, fromRemaining(j.Remaining, asOf)}
	}
	return w
}

func fromRemaining(r timeline.Remaining, asOf time.Time) Remaining {
	if !r.Known {
		return Remaining{}
	}
	low, high := r.Low.Milliseconds(), r.High.Milliseconds()
	return Remaining{true, &low, &high, moment(asOf.Add(r.Low)), moment(asOf.Add(r.High))}
}

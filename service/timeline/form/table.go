package form

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// What follows is for tables, where an answer holds more than one list.

// Finding is a root failure or a stopped job as one row of a table.
type Finding struct {
	Finding     string      `json:"finding"` // root or stopped
	JobID       string      `json:"jobId"`
	Name        string      `json:"name"`
	Status      flow.Status `json:"status"`
	Component   string      `json:"component"`
	Attempt     int         `json:"attempt"`
	ExecutionID string      `json:"executionId"`
	FailedAt    *time.Time  `json:"failedAt"`
	Reason      string      `json:"reason"`
	Stops       int         `json:"stops"`
	Roots       []string    `json:"roots"`
	Only        bool        `json:"only"`
}

// Findings gives both lists as one.
func (w Diagnosis) Findings() []Finding {
	all := []Finding{}
	for _, r := range w.Roots {
		all = append(all, Finding{
			Finding: "root", JobID: r.JobID, Name: r.Name, Status: flow.Failed, Component: r.Component, Attempt: r.Attempt,
			ExecutionID: r.ExecutionID, FailedAt: r.FailedAt, Reason: r.Reason, Stops: r.Stops,
		})
	}
	for _, s := range w.Stopped {
		all = append(all, Finding{Finding: "stopped", JobID: s.JobID, Name: s.Name, Status: s.Status, Roots: s.Roots, Only: s.Only})
	}
	return all
}

// End is when the flow or one of its jobs is expected to end, as one row of a table.
type End struct {
	Kind string `json:"kind"` // flow or job
	JobEstimate
	Runs int `json:"runs"`
}

// Ends gives the flow and its jobs as one list, the flow first.
func (w Estimate) Ends() []End {
	all := []End{{"flow", JobEstimate{Remaining: w.Flow}, w.Runs}}
	for _, j := range w.Jobs {
		all = append(all, End{"job", j, w.Runs})
	}
	return all
}

// State is what a flow, a group or a job was at a moment, as one row of a table.
type State struct {
	Kind      string      `json:"kind"` // flow, group or job
	JobID     string      `json:"jobId"`
	Name      string      `json:"name"`
	Region    string      `json:"region"`
	Status    flow.Status `json:"status"`
	Attempt   int         `json:"attempt"`
	StartedAt *time.Time  `json:"startedAt"`
	EndedAt   *time.Time  `json:"endedAt"`
}

// States gives the flow, and what was in it, as one list, the flow first.
func States(m timeline.Moment) []State {
	f := m.Flow
	all := []State{{Kind: "flow", Name: f.ID, Status: f.Status, StartedAt: moment(f.StartedAt), EndedAt: moment(f.EndedAt)}}
	for _, j := range m.Jobs {
		kind := "job"
		if j.Type == flow.TypeGroup {
			kind = "group"
		}
		all = append(all, State{kind, j.ID, j.Name, j.Region, j.Status, j.Attempt, moment(j.StartedAt), moment(j.FinishedAt)})
	}
	return all
}

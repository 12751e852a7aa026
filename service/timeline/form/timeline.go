package form

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Timeline is a flow's rows as of a moment, in order of beginning.
type Timeline struct {
	AsOf      time.Time `json:"asOf"`
	Provision Provision `json:"provision"`
	Phases    []Phase   `json:"phases"`
	Rows      []Row     `json:"rows"`
}

// Phase is the time between the first beginning and the last end in an outermost group.
type Phase struct {
	Name      string     `json:"name"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	TookMs    int64      `json:"tookMs"`
	Jobs      int        `json:"jobs"`
	Failed    int        `json:"failedAttempts"`
}

// Provision is one run of a flow.
type Provision struct {
	FlowID             string      `json:"flowId"`
	DefinitionID       string      `json:"definitionId,omitempty"`
	Provider           string      `json:"provider,omitempty"`
	Regions            []string    `json:"regions"`
	Outcome            flow.Status `json:"outcome"`
	StartedAt          *time.Time  `json:"startedAt,omitempty"`
	EndedAt            *time.Time  `json:"endedAt,omitempty"`
	ProvisionedAt      *time.Time  `json:"provisionedAt,omitempty"`
	TookMs             int64       `json:"tookMs"`
	Jobs               int         `json:"jobs"`
	JobsPending        int         `json:"jobsPending"`
	JobsRunning        int         `json:"jobsRunning"`
	JobsSucceeded      int         `json:"jobsSucceeded"`
	JobsFailed         int         `json:"jobsFailed"`
	Attempts           int         `json:"attempts"`
	Retries            int         `json:"retries"`
	PathRanMs          int64       `json:"pathRanMs"`
	PathIdleMs         int64       `json:"pathIdleMs"`
	FirstFailedJobID   string      `json:"firstFailedJobId,omitempty"`
	FirstFailedAttempt int         `json:"firstFailedAttempt,omitempty"`
	FirstFailedAt      *time.Time  `json:"firstFailedAt,omitempty"`
	Removed            bool        `json:"removed"`
	// PhasesMs is the time spent in each outermost group, by its name.
	PhasesMs map[string]int64 `json:"phasesMs"`
}

// Row is one attempt at a job, or a job that has not begun (attempt 0).
type Row struct {
	JobID          string      `json:"jobId"`
	Name           string      `json:"name"`
	Label          string      `json:"label"`
	Attempt        int         `json:"attempt"`
	ExecutionID    string      `json:"executionId,omitempty"`
	Status         flow.Status `json:"status"`
	Group          string      `json:"group,omitempty"`
	Phase          string      `json:"phase,omitempty"`
	Region         string      `json:"region,omitempty"`
	Component      string      `json:"component,omitempty"`
	ChartVersion   string      `json:"chartVersion,omitempty"`
	WaitingFrom    *time.Time  `json:"waitingFrom,omitempty"`
	WaitedOn       []string    `json:"waitedOn"`
	BlockerJobID   string      `json:"blockerJobId,omitempty"`
	BlockerAttempt int         `json:"blockerAttempt,omitempty"`
	WaitedMs       int64       `json:"waitedMs"`
	BlockedMs      int64       `json:"blockedMs"`
	IdleMs         int64       `json:"idleMs"`
	StartedAt      *time.Time  `json:"startedAt,omitempty"`
	EndedAt        *time.Time  `json:"endedAt,omitempty"`
	RanMs          int64       `json:"ranMs"`
	Later          bool        `json:"later"`
	Critical       bool        `json:"critical"`
	SlackMs        *int64      `json:"slackMs,omitempty"`
	PathStep       int         `json:"pathStep,omitempty"`
	PathIdleMs     int64       `json:"pathIdleMs,omitempty"`
	PathRanMs      int64       `json:"pathRanMs,omitempty"`
}

// Path is a critical path, its segments in order of time.
type Path struct {
	FlowID   string    `json:"flowId"`
	AsOf     time.Time `json:"asOf"`
	RanMs    int64     `json:"ranMs"`
	IdleMs   int64     `json:"idleMs"`
	Segments []Segment `json:"segments"`
}

// Segment is one step of a critical path.
type Segment struct {
	Step      int         `json:"step"`
	JobID     string      `json:"jobId"`
	Name      string      `json:"name"`
	Label     string      `json:"label"`
	Attempt   int         `json:"attempt"`
	Phase     string      `json:"phase,omitempty"`
	Region    string      `json:"region,omitempty"`
	Component string      `json:"component,omitempty"`
	Status    flow.Status `json:"status"`
	IdleMs    int64       `json:"idleMs"`
	RanMs     int64       `json:"ranMs"`
	StartedAt *time.Time  `json:"startedAt,omitempty"`
	EndedAt   *time.Time  `json:"endedAt,omitempty"`
}

// FromTimeline gives a timeline as it travels.
func FromTimeline(t timeline.Timeline, asOf time.Time) Timeline {
	w := Timeline{AsOf: asOf.UTC(), Provision: FromProvision(t.Provision), Phases: make([]Phase, len(t.Phases)), Rows: make([]Row, len(t.Rows))}
	for i, p := range t.Phases {
		w.Phases[i] = Phase{p.Name, moment(p.StartedAt), moment(p.EndedAt), p.Took.Milliseconds(), p.Jobs, p.Failed}
	}
	for i, r := range t.Rows {
		w.Rows[i] = fromRow(r)
	}
	return w
}

// Timeline is what was sent, as far as it is drawn.
func (w Timeline) Timeline() timeline.Timeline {
	t := timeline.Timeline{Provision: w.Provision.provision(), Rows: make([]timeline.Row, len(w.Rows))}
	for i, r := range w.Rows {
		t.Rows[i] = r.row()
	}
	return t
}

// FromProvision gives a provision as it travels.
func FromProvision(p timeline.Provision) Provision {
	w := Provision{
		FlowID: p.FlowID, DefinitionID: p.DefinitionID, Provider: p.Provider, Regions: append([]string{}, p.Regions...), Outcome: p.Outcome,
		StartedAt: moment(p.StartedAt), EndedAt: moment(p.EndedAt), ProvisionedAt: moment(p.ProvisionedAt), TookMs: p.Took.Milliseconds(),
		Jobs: p.Jobs.All, JobsPending: p.Jobs.Pending, JobsRunning: p.Jobs.Running, JobsSucceeded: p.Jobs.Succeeded, JobsFailed: p.Jobs.Failed,
		Attempts: p.Attempts, Retries: p.Retries, PathRanMs: p.PathRan.Milliseconds(), PathIdleMs: p.PathIdle.Milliseconds(),
		FirstFailedJobID: p.FirstFailure.JobID, FirstFailedAttempt: p.FirstFailure.Attempt, FirstFailedAt: moment(p.FirstFailure.At),
		Removed: p.Removed, PhasesMs: map[string]int64{},
	}
	for name, took := range p.PhaseTook {
		w.PhasesMs[name] = took.Milliseconds()
	}
	return w
}

func (w Provision) provision() timeline.Provision {
	return timeline.Provision{
		FlowID: w.FlowID, Outcome: w.Outcome, StartedAt: instant(w.StartedAt), EndedAt: instant(w.EndedAt),
		ProvisionedAt: instant(w.ProvisionedAt), Took: millis(w.TookMs), Attempts: w.Attempts, Retries: w.Retries,
		Jobs: timeline.Tally{All: w.Jobs, Pending: w.JobsPending, Running: w.JobsRunning, Succeeded: w.JobsSucceeded, Failed: w.JobsFailed},
	}
}

func fromRow(r timeline.Row) Row {
	w := Row{
		JobID: r.JobID, Name: r.Name, Label: r.Label, Attempt: r.Attempt, ExecutionID: r.ExecutionID, Status: r.Status, Group: r.Group,
		Phase: r.Phase, Region: r.Region, Component: r.Component, ChartVersion: r.ChartVersion,
		WaitingFrom: moment(r.Wait.From), WaitedOn: append([]string{}, r.Wait.On...), BlockerJobID: r.Wait.Blocker, BlockerAttempt: r.Wait.Attempt,
		WaitedMs: r.Wait.Waited.Milliseconds(), BlockedMs: r.Wait.Blocked.Milliseconds(), IdleMs: r.Wait.Idle.Milliseconds(),
		StartedAt: moment(r.StartedAt), EndedAt: moment(r.EndedAt), RanMs: r.Ran.Milliseconds(), Later: r.Later, Critical: r.Critical,
		PathStep: r.PathStep, PathIdleMs: r.PathIdle.Milliseconds(), PathRanMs: r.PathRan.Milliseconds(),
	}
	if r.SlackKnown {
		slack := r.Slack.Milliseconds()
		w.SlackMs = &slack
	}
	return w
}

func (w Row) row() timeline.Row {
	return timeline.Row{
		JobID: w.JobID, Name: w.Name, Label: w.Label, Attempt: w.Attempt, Status: w.Status, Group: w.Group, Phase: w.Phase, Region: w.Region,
		Component: w.Component, StartedAt: instant(w.StartedAt), EndedAt: instant(w.EndedAt), Ran: millis(w.RanMs), Later: w.Later, Critical: w.Critical, PathStep: w.PathStep,
		PathIdle: millis(w.PathIdleMs), PathRan: millis(w.PathRanMs),
		Wait: timeline.Wait{From: instant(w.WaitingFrom), Blocker: w.BlockerJobID, Waited: millis(w.WaitedMs)},
	}
}

// FromPath gives a critical path as it travels.
func FromPath(flowID string, p timeline.Path, asOf time.Time) Path {
	w := Path{FlowID: flowID, AsOf: asOf.UTC(), RanMs: p.Ran.Milliseconds(), IdleMs: p.Idle.Milliseconds(), Segments: make([]Segment, len(p.Rows))}
	for i, r := range p.Rows {
		w.Segments[i] = Segment{
			Step: r.PathStep, JobID: r.JobID, Name: r.Name, Label: r.Label, Attempt: r.Attempt, Phase: r.Phase, Region: r.Region, Component: r.Component,
			Status: r.Status, IdleMs: r.PathIdle.Milliseconds(), RanMs: r.PathRan.Milliseconds(), StartedAt: moment(r.StartedAt), EndedAt: moment(r.EndedAt),
		}
	}
	return w
}

// moment leaves a time that is not known out.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

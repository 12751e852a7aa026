package bridge

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Legacy is what another store knew of a deployment: its jobs and executions, as its
// index lists them. Applying it brings in what is not known here; a terminal job never
// goes back.
type Legacy struct {
	DeploymentID  string
	SovereignFQDN string
	jobs          []LegacyJob
	executions    []LegacyExecution
	sum           [sha256.Size]byte
}

// LegacyIndex is an index as it travels.
type LegacyIndex struct {
	DeploymentID  string            `json:"deploymentId"`
	SovereignFQDN string            `json:"sovereignFqdn,omitempty"`
	Jobs          []LegacyJob       `json:"jobs,omitempty"`
	Executions    []LegacyExecution `json:"executions,omitempty"`
}

// LegacyJob is a job as the older store kept it; batchId is an old name of the parent.
type LegacyJob struct {
	ID                string    `json:"id,omitempty"`
	DeploymentID      string    `json:"deploymentId,omitempty"`
	JobName           string    `json:"jobName,omitempty"`
	DisplayName       string    `json:"displayName,omitempty"`
	Type              string    `json:"type,omitempty"`
	AppID             string    `json:"appId,omitempty"`
	Region            string    `json:"region,omitempty"`
	ParentID          string    `json:"parentId,omitempty"`
	BatchID           string    `json:"batchId,omitempty"`
	DependsOn         []string  `json:"dependsOn,omitempty"`
	Status            string    `json:"status"`
	StartedAt         time.Time `json:"startedAt,omitzero"`
	FinishedAt        time.Time `json:"finishedAt,omitzero"`
	LatestExecutionID string    `json:"latestExecutionId,omitempty"`
}

// LegacyExecution is an attempt as the older store kept it.
type LegacyExecution struct {
	ID           string    `json:"id"`
	JobID        string    `json:"jobId"`
	DeploymentID string    `json:"deploymentId,omitempty"`
	Status       string    `json:"status"`
	StartedAt    time.Time `json:"startedAt,omitzero"`
	FinishedAt   time.Time `json:"finishedAt,omitzero"`
}

// Len is the number of jobs.
func (i Legacy) Len() int { return len(i.jobs) }

// Fingerprint recognises the same index when it is sent again.
func (i Legacy) Fingerprint() (f flow.Fingerprint) {
	copy(f[:], i.sum[:])
	return f
}

// Apply implements Observation.
func (i Legacy) Apply(l *Ledger) {
	attempts := i.attempts(l)
	for _, j := range i.jobs {
		l.importJob(j, attempts)
	}
	for _, j := range i.jobs {
		l.importEdges(j)
	}
}

// attempts numbers the executions of each job in the order in which they began.
func (i Legacy) attempts(l *Ledger) map[string][]flow.Execution {
	of := map[string][]flow.Execution{}
	for _, x := range i.executions {
		id := l.names.Resolve("", x.JobID)
		status, _ := flow.ParseStatus(strings.ToLower(x.Status))
		e := flow.Execution{ID: x.ID, JobID: id, Status: status, StartedAt: l.known(x.StartedAt)}
		if status == flow.Pending {
			e.Status = flow.Running
		}
		if e.Status.Terminal() {
			e.FinishedAt = later(x.FinishedAt.UTC(), e.StartedAt)
		}
		of[id] = append(of[id], e)
	}
	for _, xs := range of {
		slices.SortStableFunc(xs, func(a, b flow.Execution) int { return a.StartedAt.Compare(b.StartedAt) })
		for n := range xs {
			xs[n].Attempt = n + 1
		}
	}
	return of
}

func (l *Ledger) importJob(w LegacyJob, attempts map[string][]flow.Execution) {
	id := l.names.Resolve(w.Region, cmp.Or(w.ID, w.JobName))
	name := strings.TrimPrefix(id, l.names.Deployment+":")
	if w.Type == string(flow.TypeGroup) {
		l.importGroup(id, name, w)
		return
	}
	status, _ := flow.ParseStatus(strings.ToLower(w.Status))
	before, known := l.graph.Job(id)
	if known && !l.supersedes(w, status, ownRun(before)) {
		return
	}
	old := ownRun(l.job(id, name))
	j := old
	j.Source, j.Family = flow.SourceBridge, familyOf(name)
	j.DisplayName = cmp.Or(flow.CleanName(w.DisplayName), j.DisplayName, stepLabel(name))
	j.AppID, j.Region = cmp.Or(flow.CleanName(w.AppID), j.AppID), cmp.Or(l.names.Region(w.Region), j.Region)
	j.Chart = cmp.Or(j.Chart, j.AppID)
	j.Status = status
	j.StartedAt = orKnownTime(w.StartedAt.UTC(), j.StartedAt)
	if j.FinishedAt = (time.Time{}); status.Terminal() {
		j.FinishedAt = later(l.known(w.FinishedAt), j.StartedAt)
	}
	c := l.importAttempts(&j, attempts[id])
	l.graph.PutBridgeCursor(c)
	l.graph.PutJob(withRun(j))
	if !known || old.Status != j.Status {
		l.became(old, j, "imported")
	}
}

// supersedes reports that an index has something newer of a job than is known here. It may
// be years old, and what it does not give a time to is older than what is here.
func (l *Ledger) supersedes(w LegacyJob, status flow.Status, old flow.Job) bool {
	c := l.graph.BridgeCursor(old.ID)
	here := old.StartedAt
	for _, at := range []time.Time{old.FinishedAt, c.ObservedAt, c.Execution.StartedAt, c.Execution.FinishedAt} {
		here = later(at, here)
	}
	said := w.StartedAt
	if status.Terminal() {
		said = later(w.FinishedAt, said)
	}
	derived := old.Type == flow.TypeGroup && old.Run.Status == ""
	backwards := old.Status.Terminal() && !status.Terminal()
	return !derived && !backwards && (said.After(here) || here.IsZero() && status != flow.Pending)
}

// importAttempts records a job's executions and gives the cursor that goes on from them. An
// attempt that runs here is over where the index knows a later one, or the job's end.
func (l *Ledger) importAttempts(j *flow.Job, xs []flow.Execution) flow.BridgeCursor {
	c := l.cursor(j.ID)
	c.ObservedAt = later(orKnownTime(j.FinishedAt, j.StartedAt), c.ObservedAt)
	c.State = stateOf[j.Status]
	for _, x := range xs {
		if c.Execution.Attempt >= x.Attempt && c.Execution.ID != x.ID {
			continue // this store knows of that attempt, or of later ones
		}
		if c.Execution.ID != x.ID {
			l.endOpen(&c, flow.Failed, x.StartedAt)
		}
		l.putExecution(&c, x)
		j.Attempt, j.ExecutionID = x.Attempt, x.ID
	}
	if j.Status.Terminal() {
		l.endOpen(&c, j.Status, j.FinishedAt)
	}
	return c
}

// endOpen ends the execution that a cursor is at, where it is open.
func (l *Ledger) endOpen(c *flow.BridgeCursor, to flow.Status, at time.Time) {
	if x := c.Execution; x.Status == flow.Running {
		x.Status, x.FinishedAt = to, later(at, x.StartedAt)
		l.putExecution(c, x)
	}
}

func (l *Ledger) importGroup(id, name string, w LegacyJob) {
	label := cmp.Or(flow.CleanName(w.DisplayName), l.groupLabel(name))
	if l.putGroup(id, name, label, l.names.Region(w.Region)) {
		l.chain(flow.GroupOrder, name)
	}
}

// importEdges puts a job into its parent and after its dependencies, where nothing was said
// of them here.
func (l *Ledger) importEdges(w LegacyJob) {
	id := l.names.Resolve(w.Region, cmp.Or(w.ID, w.JobName))
	if group := parentOf(l.names, w); !l.graph.IsContained(id) && group != "" && group != id && !l.graph.Reaches(group, id, flow.Contains) {
		if group == l.names.BootstrapKit(w.Region) {
			l.bootstrapKit(l.names.Region(w.Region))
		} else if _, known := l.graph.Job(group); !known {
			name := strings.TrimPrefix(group, l.names.Deployment+":")
			l.importGroup(group, name, LegacyJob{Region: w.Region})
		}
		l.contain(id, group)
	}
	j, _ := l.graph.Job(id)
	if !l.cursor(id).DependsAt.IsZero() {
		return
	}
	for _, ref := range w.DependsOn {
		on := l.names.Resolve(w.Region, ref)
		if why := l.refusal(j, Event{Region: w.Region}, on); why != "" {
			l.note(j, j.Status, Event{Time: l.now}, "dependency on "+on+" refused: "+why)
			continue
		}
		l.follow(on, id)
	}
}

// parentOf gives the full id of a job's parent; "" where it names none.
func parentOf(names flow.Names, w LegacyJob) string {
	parent := cmp.Or(w.ParentID, w.BatchID)
	if parent == "" || strings.HasPrefix(parent, names.Deployment+":") {
		return parent
	}
	return names.Job(parent)
}

// stateOf is the finer state that a status says at least.
var stateOf = map[flow.Status]string{
	flow.Pending: StatePending, flow.Running: StateInstalling, flow.Succeeded: StateInstalled, flow.Failed: StateFailed,
}

// known gives a time in UTC; what has none happened by now.
func (l *Ledger) known(t time.Time) time.Time {
	return orKnownTime(t.UTC().Truncate(time.Microsecond), l.now)
}

func familyOf(name string) string {
	switch {
	case name == flow.StepBootstrap:
		return "bootstrap"
	case strings.HasPrefix(name, "tofu-"):
		return "tofu"
	}
	for _, f := range []string{"install", "cutover", "handover"} {
		if strings.HasPrefix(name, f) {
			return f
		}
	}
	return ""
}

func stepLabel(name string) string {
	if label := flow.Label(name); label != name {
		return label
	}
	return ""
}

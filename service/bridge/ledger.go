package bridge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Observation is what a source saw; applying it changes a ledger.
type Observation interface {
	Apply(l *Ledger)
}

// Ledger is one flow while its writer holds the flow's lock: the graph, and what
// history gains. It is not safe for concurrent use.
type Ledger struct {
	graph      *flow.Graph
	names      flow.Names
	deployment flow.Deployment
	now        time.Time // for what comes without a time of its own

	executions  map[string]flow.Execution
	spoken      map[string]flow.Execution // those that have gained lines
	transitions []flow.Transition
	lines       []flow.LogLine
	restored    flow.Restored
}

// NewLedger opens a ledger over a graph that is up to date. The deployment's record
// may be zero. The time is given to what comes without one of its own.
func NewLedger(g *flow.Graph, d flow.Deployment, now time.Time) *Ledger {
	names := flow.Names{Deployment: g.Flow().ID, Primary: d.Primary()}
	return &Ledger{graph: g, names: names, deployment: d, now: now, executions: map[string]flow.Execution{}, spoken: map[string]flow.Execution{}}
}

// Changes derives what follows from the observations applied so far and gives all that
// has to be stored. What moves the flow's version shows something, the flow as it is if nothing
// else, so that every stream comes to the cursor of every snapshot.
func (l *Ledger) Changes() flow.Changes {
	c := l.graph.Settle()
	maps.DeleteFunc(l.spoken, func(id string, _ flow.Execution) bool { return l.executions[id].ID != "" })
	c.Executions, c.Spoken = inOrder(l.executions), inOrder(l.spoken)
	c.Transitions, c.Lines, c.Restored = l.transitions, l.lines, l.restored
	if c.Moves() && !c.Shows() {
		f := l.graph.Flow()
		c.Flow = &f
	}
	return c
}

func inOrder(xs map[string]flow.Execution) []flow.Execution {
	return slices.SortedFunc(maps.Values(xs), func(a, b flow.Execution) int { return strings.Compare(a.ID, b.ID) })
}

// job finds a job or gives the new, pending one that is to be put in its place.
func (l *Ledger) job(id, name string) flow.Job {
	if j, ok := l.graph.Job(id); ok {
		mine := adopt(j)
		if j.Status != mine.Status {
			l.note(mine, j.Status, Event{Time: l.now}, "taken over from "+j.Source)
		}
		return mine
	}
	return flow.Job{ID: id, Name: name, Type: flow.TypeInstall, Source: flow.SourceBridge, Status: flow.Pending}
}

// adopt makes a job the bridge's. What an emitter said of its status is no attempt that
// the bridge knows of, so it begins anew.
func adopt(j flow.Job) flow.Job {
	if j.Source != flow.SourceBridge {
		j.Source, j.Status = flow.SourceBridge, flow.Pending
		j.StartedAt, j.FinishedAt = time.Time{}, time.Time{}
	}
	return j
}

// begin starts an attempt: it goes on with an execution that a log line has opened, else opens one.
func (l *Ledger) begin(j *flow.Job, c *flow.BridgeCursor, at time.Time) {
	if c.Execution.Status != flow.Running {
		l.open(j, c, at)
	}
	fromSuccess := j.Status == flow.Succeeded // retries are one endeavour, what comes after success is another
	j.Status, j.FinishedAt = flow.Running, time.Time{}
	if j.StartedAt.IsZero() || fromSuccess {
		j.StartedAt = at
	}
}

// open begins an execution.
func (l *Ledger) open(j *flow.Job, c *flow.BridgeCursor, at time.Time) {
	j.Attempt = max(j.Attempt, c.Execution.Attempt) + 1
	j.ExecutionID = flow.ExecutionID(j.ID, j.Attempt)
	l.putExecution(c, flow.Execution{
		ID: j.ExecutionID, JobID: j.ID, Attempt: j.Attempt, Status: flow.Running, StartedAt: at,
	})
}

// finish ends the attempt. Sources' clocks differ: nothing ends before it began.
func (l *Ledger) finish(j *flow.Job, c *flow.BridgeCursor, to flow.Status, at time.Time) {
	if c.Execution.ID == "" { // it was running before the bridge heard of it
		l.open(j, c, at)
	}
	x := c.Execution
	x.Status, x.FinishedAt = to, later(at, x.StartedAt)
	l.putExecution(c, x)
	j.Status, j.FinishedAt = to, later(x.FinishedAt, j.StartedAt)
}

func (l *Ledger) putExecution(c *flow.BridgeCursor, x flow.Execution) {
	c.Execution = x
	l.executions[x.ID] = x
}

// put writes the job and what the bridge remembers of it, and notes the transition.
func (l *Ledger) put(j flow.Job, c flow.BridgeCursor, from flow.Status, e Event, cause string) {
	l.graph.PutJob(withRun(j))
	l.graph.PutBridgeCursor(c)
	l.note(j, from, e, cause)
}

// maxCause is the longest text kept of why something happened; the whole of it is in the log.
const maxCause = 500

// note adds to the history; with from equal to the job's status it records a fact without effect.
func (l *Ledger) note(j flow.Job, from flow.Status, e Event, cause string) {
	if r := []rune(cause); len(r) > maxCause {
		cause = string(r[:maxCause]) + "…"
	}
	l.transitions = append(l.transitions, flow.Transition{
		JobID: j.ID, ExecutionID: j.ExecutionID, From: from, To: j.Status, State: e.State, OccurredAt: e.Time, Cause: cause,
	})
}

// line appends the event's message to an execution; to none where it is zero.
func (l *Ledger) line(x flow.Execution, e Event) {
	if e.Message == "" || x.ID == "" {
		return
	}
	l.spoken[x.ID] = x
	l.lines = append(l.lines, flow.LogLine{ExecutionID: x.ID, At: e.Time, Level: e.Level, Message: e.Message})
}

// contain puts a job into a group.
func (l *Ledger) contain(childID, groupID string) {
	l.relate(childID, groupID, flow.Contains, "")
}

// follow makes a job start after another one succeeded.
func (l *Ledger) follow(firstID, thenID string) {
	l.relate(firstID, thenID, flow.FinishToStart, flow.OnSuccess)
}

func (l *Ledger) relate(from, to string, typ flow.RelationshipType, condition string) {
	l.graph.Relate(flow.Relationship{
		RelationshipKey: flow.RelationshipKey{FromID: from, ToID: to, Type: typ},
		Condition:       condition, Source: flow.SourceBridge,
	})
}

// chain relates a new member of an ordered list to the neighbours that are there.
func (l *Ledger) chain(order []string, name string) {
	i := slices.Index(order, name)
	if i > 0 && l.has(order[i-1]) {
		l.follow(l.names.Job(order[i-1]), l.names.Job(name))
	}
	if i >= 0 && i+1 < len(order) && l.has(order[i+1]) {
		l.follow(l.names.Job(name), l.names.Job(order[i+1]))
	}
}

func (l *Ledger) has(name string) bool {
	_, ok := l.graph.Job(l.names.Job(name))
	return ok
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

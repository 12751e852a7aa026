package bridge

import (
	"github.com/openova-io/provflow/service/flow"
)

// States a resource can be in. Without one, an event about a resource is a line of its log.
const (
	statePlanned   = "planned"
	stateRunning   = "running"
	stateSucceeded = "succeeded"
)

// resourceStatus maps a resource's state to what clients know.
var resourceStatus = map[string]flow.Status{
	statePlanned:   flow.Pending,
	stateRunning:   flow.Running,
	stateSucceeded: flow.Succeeded,
	StateFailed:    flow.Failed,
}

// actions are what can be done to a resource.
var actions = []string{"create", "update", "replace", "delete", "read"}

// applyResource: something happened to a resource of a step.
func (l *Ledger) applyResource(e Event) {
	step := l.stepOfResource(e)
	if e.State == "" {
		l.line(l.logOfResource(e, step), e)
		return
	}
	j, c := l.resource(e)
	l.applyDependsOn(&c, j, e)
	from, v := j.Status, judgeResource(j, c, e)
	if v == keep || v == refresh && sameResource(j, e) {
		l.graph.PutBridgeCursor(c)
		l.line(l.logOfResource(e, step), e)
		l.note(j, from, e, causeOf(v, c, e))
		return
	}
	if v == begin || v == whole {
		l.begin(&j, &c, e.Time)
	}
	if v == end || v == whole {
		l.finish(&j, &c, resourceStatus[e.State], e.Time)
	}
	describeResource(&j, &c, e)
	l.put(j, c, from, e, e.Message)
	l.line(l.logOfResource(e, step), e)
	l.endWithStep(j, c, step)
}

// judgeResource decides what an event means for a resource's job, given what was applied
// before. As with a component only a later fact moves a job; but every beginning after an
// end is another attempt, and what only the step's end implied is corrected by what is
// said of the resource itself. What has only succeeded with its step has not begun.
func judgeResource(j flow.Job, c flow.BridgeCursor, e Event) verdict {
	to := resourceStatus[e.State]
	if c.State == statePlanned && j.Status == flow.Succeeded {
		j.Status = flow.Pending
	}
	switch {
	case impliedAt(c, e):
		return when(to.Terminal(), end, keep)
	case e.Time.Before(c.ObservedAt):
		return keep
	case to == flow.Pending:
		return when(j.Status == flow.Running, keep, refresh)
	case to == flow.Running:
		return when(j.Status == flow.Running, refresh, begin)
	case j.Status == to:
		return refresh
	case j.Status == flow.Running, j.Status == flow.Succeeded: // done, and then found to be wrong
		return end
	}
	return whole
}

// sameResource reports that a refresh would say what is already known.
func sameResource(j flow.Job, e Event) bool {
	after, c := j, flow.BridgeCursor{}
	describeResource(&after, &c, e)
	return after.State == j.State && after.Reason == j.Reason && after.Action == j.Action && after.Status == j.Status
}

// describeResource sets the finer state. A resource that is planned again waits again.
func describeResource(j *flow.Job, c *flow.BridgeCursor, e Event) {
	c.State, c.ObservedAt = e.State, e.Time
	j.State, j.Reason = e.State, ""
	if e.Action != "" {
		j.Action = e.Action
	}
	switch e.State {
	case StateFailed:
		j.Reason = e.Message
	case statePlanned:
		if j.Status == flow.Succeeded { // what comes after success is another endeavour
			j.StartedAt = zero
		}
		j.Status, j.FinishedAt = flow.Pending, zero
	}
}

// logOfResource is the execution to which a line about a resource belongs: its latest, where
// that is of the step's present run, else the step's own.
func (l *Ledger) logOfResource(e Event, step flow.Job) flow.Execution {
	x, of := l.cursor(l.names.Resource(e.Step, e.Component)).Execution, l.cursor(step.ID).Execution
	if x.ID == "" || x.StartedAt.Before(of.StartedAt) {
		return of
	}
	return x
}

// stepOfResource finds the step whose resource an event is about, as it runs itself. That
// something is planned or done there says that the step has begun.
func (l *Ledger) stepOfResource(e Event) flow.Job {
	step, _ := l.step(e.Step)
	moves := e.State == statePlanned || e.State == stateRunning
	if step.Status == flow.Pending || moves && step.Status.Terminal() && e.Time.After(step.FinishedAt) {
		l.applyStep(Event{Time: e.Time, Phase: e.Step, Level: e.Level})
		step, _ = l.step(e.Step)
	}
	return step
}

// resource finds or makes the job of an event's resource, inside its step.
func (l *Ledger) resource(e Event) (flow.Job, flow.BridgeCursor) {
	id := l.names.Resource(e.Step, e.Component)
	j, known := l.graph.Job(id)
	if !known || j.Source != flow.SourceBridge {
		l.makeGroup(l.names.Job(e.Step))
		j = l.job(id, flow.ResourceName(e.Step, e.Component))
		j.DisplayName, j.Family = e.Component, familyTofu
		l.graph.PutJob(j)
		l.contain(id, l.names.Job(e.Step))
	}
	return j, l.cursor(id)
}

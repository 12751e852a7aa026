package bridge

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// A step that contains resources is a group: what clients see of it is rolled up. The rules
// for steps speak of its own run all the same, so that it begins and ends as any step does.

// zero is the time of what has not happened.
var zero time.Time

// ownRun gives a step with the status and times of its own run.
func ownRun(j flow.Job) flow.Job {
	if j.Run.Status != "" {
		j.Status, j.StartedAt, j.FinishedAt = j.Run.Status, j.Run.StartedAt, j.Run.FinishedAt
	}
	return j
}

// withRun is its reverse: what the rules made of a step becomes its run.
func withRun(j flow.Job) flow.Job {
	if j.Run.Status != "" {
		j.Run = flow.Run{Status: j.Status, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt}
	}
	return j
}

// makeGroup makes a step a group that runs itself.
func (l *Ledger) makeGroup(stepID string) {
	j, _ := l.graph.Job(stepID)
	if j.Type == flow.TypeGroup {
		return
	}
	j.Type, j.Run.Status = flow.TypeGroup, j.Status
	l.graph.PutJob(withRun(j))
}

// beginChildren forgets, when a step begins again, how its last run went for what it
// contains: what failed or never began counts only once this run plans or begins it.
func (l *Ledger) beginChildren(step flow.Job, at time.Time) {
	for _, id := range l.graph.Contained(step.ID) {
		j, _ := l.graph.Job(id)
		c, from := l.cursor(id), j.Status
		if j.Source != flow.SourceBridge || from == flow.Succeeded || j.State == flow.StateCancelled || c.ObservedAt.After(at) {
			continue
		}
		if from == flow.Running {
			l.finish(&j, &c, flow.Failed, at)
		}
		l.setAside(j, c, from, at, "its step began again")
	}
}

// endChildren ends with a step what it contains and has not ended by itself.
func (l *Ledger) endChildren(step flow.Job) {
	for _, id := range l.graph.Contained(step.ID) {
		if j, _ := l.graph.Job(id); j.Source == flow.SourceBridge {
			l.endWithStep(j, l.cursor(id), step)
		}
	}
}

// neverBegan says why what was planned did not begin, by how its step has ended. What is not
// known before the apply is planned as a change, and may turn out to be none.
var neverBegan = map[flow.Status]string{
	flow.Succeeded: "there was nothing left to do: its step succeeded without it",
	flow.Failed:    "its step ended before it began",
}

// endWithStep ends a resource whose step's run is over: what has not begun will not, and
// what runs has ended as the step did. Of a step whose end is only inferred it is not known
// whether it had come to all it had planned.
func (l *Ledger) endWithStep(j flow.Job, c flow.BridgeCursor, step flow.Job) {
	over := step.Status.Terminal() && !c.ObservedAt.After(step.FinishedAt)
	from, run := j.Status, l.cursor(step.ID)
	said := run.State != implied
	switch {
	case !over:
	case c.State == statePlanned && said && step.Status == flow.Succeeded && !c.ObservedAt.Before(run.Execution.StartedAt):
		l.succeedWithout(j, c, step)
	case from == flow.Pending && j.State != flow.StateCancelled:
		l.setAside(j, c, from, step.FinishedAt, neverBegan[step.Status])
	case from == flow.Running && said:
		l.finish(&j, &c, step.Status, step.FinishedAt)
		c.State, j.State = implied, string(step.Status)
		l.put(j, c, from, Event{Time: j.FinishedAt, State: j.State}, "its step ended")
	}
}

// succeedWithout ends what was planned and turned out to be no change: it is as it should
// be, and no attempt was needed.
func (l *Ledger) succeedWithout(j flow.Job, c flow.BridgeCursor, step flow.Job) {
	from := j.Status
	if from == flow.Succeeded {
		return
	}
	j.Status, j.FinishedAt = flow.Succeeded, l.couldBegin(j.ID, c.ObservedAt, step.FinishedAt)
	if j.StartedAt.IsZero() {
		j.StartedAt = j.FinishedAt
	}
	j.State, j.Reason = flow.StateNoOp, neverBegan[flow.Succeeded]
	l.put(j, c, from, Event{Time: j.FinishedAt, State: j.State}, j.Reason)
}

// couldBegin is when all that a job waits for was done, within the times given.
func (l *Ledger) couldBegin(id string, from, to time.Time) time.Time {
	for _, d := range l.graph.Dependencies(id) {
		if j, ok := l.graph.Job(d); ok {
			from = later(from, j.FinishedAt)
		}
	}
	if from.After(to) {
		return to
	}
	return from
}

func (l *Ledger) setAside(j flow.Job, c flow.BridgeCursor, from flow.Status, at time.Time, cause string) {
	j.Status, j.FinishedAt = flow.Pending, zero
	j.State, j.Reason = flow.StateCancelled, cause
	l.put(j, c, from, Event{Time: at, State: j.State}, cause)
}

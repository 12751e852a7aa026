package bridge

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Apply implements Observation: the rules for a provisioner event.
func (e Event) Apply(l *Ledger) {
	switch e.Phase {
	case PhaseComponent:
		if e.State == StateDeleted {
			l.applyDeleted(e)
			return
		}
		l.endPhase0(e)
		l.applyComponent(e)
	case PhaseWatch:
		l.applyWatch(e)
	case PhaseComponentLog:
		l.applyComponentLog(e)
	case phaseResource:
		l.applyResource(e)
	case phaseTofu:
		l.applyTofuLine(e)
	default:
		l.applyStep(e)
	}
}

// applyStep: the step begins, or says more while it is active, or ends as its level or state says.
func (l *Ledger) applyStep(e Event) {
	j, c := l.step(e.Phase)
	from, attempt, ends := j.Status, j.Attempt, endOf(e)
	switch {
	case j.Status == flow.Running:
		l.line(j.ExecutionID, e)
	case ends == flow.Failed && impliedAt(c, e):
		l.line(j.ExecutionID, e)
	case j.Status.Terminal() && (!e.Time.After(j.FinishedAt) || ends == j.Status):
		l.line(j.ExecutionID, e)
		l.note(j, from, e, "after the step had ended")
		return
	default:
		if ends == "" || from == flow.Pending {
			l.endActive(e, j.ID)
		}
		l.begin(&j, &c, e.Time)
		l.line(j.ExecutionID, e)
	}
	l.endStep(&j, &c, e, ends)
	if from != j.Status || attempt != j.Attempt {
		l.put(j, c, from, e, e.Phase)
		if attempt > 0 && attempt != j.Attempt {
			l.beginChildren(j, e.Time)
		}
		l.endChildren(j)
	}
}

// endStep ends the step as its event says or, where another one had begun before this
// event was heard of, as succeeded at that time.
func (l *Ledger) endStep(j *flow.Job, c *flow.BridgeCursor, e Event, ends flow.Status) {
	j.Reason, c.State, c.ObservedAt = "", e.State, later(e.Time, c.ObservedAt)
	next := l.nextBegin(e)
	switch {
	case ends == flow.Failed:
		j.Reason = e.Message
		l.finish(j, c, ends, e.Time)
	case ends != "":
		l.finish(j, c, ends, e.Time)
	case !next.IsZero():
		c.State = implied
		l.finish(j, c, flow.Succeeded, next)
	}
}

// implied is the cursor's state of a step that ended only because another one began.
const implied = "implied"

// impliedAt reports an event from within an attempt whose success was only inferred:
// what the step itself says is believed over that, however late it is heard.
func impliedAt(c flow.BridgeCursor, e Event) bool {
	x := c.Execution
	return c.State == implied && !e.Time.Before(x.StartedAt) && !e.Time.After(x.FinishedAt)
}

// endOf is how a step event ends its step; "" when it does not.
func endOf(e Event) flow.Status {
	switch {
	case e.State == string(flow.Failed), e.Level == "error":
		return flow.Failed
	case e.State == string(flow.Succeeded):
		return flow.Succeeded
	}
	return ""
}

// step finds or makes a step, in its group and between its neighbours.
func (l *Ledger) step(name string) (flow.Job, flow.BridgeCursor) {
	id := l.names.Job(name)
	j, known := l.graph.Job(id)
	if !known || j.Source != flow.SourceBridge {
		group := l.group(flow.GroupProvisioner)
		j = l.job(id, name)
		j.DisplayName, j.Family = flow.Label(name), stepFamily(name)
		l.graph.PutJob(j)
		l.contain(id, group)
		l.chain(flow.Steps, name)
	}
	return ownRun(j), l.cursor(id)
}

func stepFamily(name string) string {
	if name == flow.StepBootstrap {
		return "bootstrap"
	}
	return familyTofu
}

// familyTofu is the family of tofu's steps and of their resources.
const familyTofu = "tofu"

func (l *Ledger) cursor(id string) flow.BridgeCursor {
	c := l.graph.BridgeCursor(id)
	c.JobID = id
	return c
}

// endActive ends the active step as succeeded when another one begins.
func (l *Ledger) endActive(e Event, except string) {
	j, active := l.active()
	if !active || j.ID == except || j.StartedAt.After(e.Time) {
		return
	}
	l.succeed(j, e)
}

// endPhase0 ends the last step: whichever is active when the first component is heard
// of; later only cluster-bootstrap, since a controller's chatter says nothing of tofu.
func (l *Ledger) endPhase0(e Event) {
	j, active := l.active()
	first := l.phase1Began().IsZero()
	if active && (j.Name == flow.StepBootstrap || first) {
		l.succeed(j, e)
	}
}

func (l *Ledger) succeed(j flow.Job, by Event) {
	c, from := l.cursor(j.ID), j.Status
	c.State = implied
	l.finish(&j, &c, flow.Succeeded, by.Time)
	l.put(j, c, from, Event{Time: j.FinishedAt, State: string(flow.Succeeded)}, by.Phase+" began")
	l.endChildren(j)
}

// active is the step that runs; the latest of them when events were out of order.
func (l *Ledger) active() (found flow.Job, ok bool) {
	for _, name := range flow.Steps {
		j, known := l.graph.Job(l.names.Job(name))
		j = ownRun(j)
		if known && j.Status == flow.Running && (!ok || j.StartedAt.After(found.StartedAt)) {
			found, ok = j, true
		}
	}
	return found, ok
}

// rememberPhase1 notes when the first component was heard of, on the group of all installs.
func (l *Ledger) rememberPhase1(e Event) {
	if l.phase1Began().IsZero() {
		c := l.cursor(l.names.Job(flow.GroupBootstrapKit))
		c.ObservedAt = e.Time
		l.graph.PutBridgeCursor(c)
	}
}

// phase1Began is when the first component was heard of; zero before.
func (l *Ledger) phase1Began() time.Time {
	return l.cursor(l.names.Job(flow.GroupBootstrapKit)).ObservedAt
}

// nextBegin is the earliest time after this event at which another step, or Phase 1, began; zero when none did.
func (l *Ledger) nextBegin(e Event) (first time.Time) {
	consider := func(at time.Time) {
		if at.After(e.Time) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	for _, name := range flow.Steps {
		if name != e.Phase {
			consider(l.cursor(l.names.Job(name)).Execution.StartedAt)
		}
	}
	consider(l.phase1Began())
	return first
}

// applyTofuLine appends a line of tofu's output to the step that is active, else to the
// one that ran last; output before any step can only be that of the first.
func (l *Ledger) applyTofuLine(e Event) {
	if j, ok := l.active(); ok {
		l.line(j.ExecutionID, e)
		return
	}
	if id := l.lastExecution(); id != "" {
		l.line(id, e)
		return
	}
	begin := e
	begin.Phase, begin.State, begin.Level = flow.StepInit, "", "info"
	begin.Message = ""
	l.applyStep(begin)
	l.applyTofuLine(e)
}

func (l *Ledger) lastExecution() (id string) {
	var started time.Time
	for _, name := range flow.Steps {
		x := l.graph.BridgeCursor(l.names.Job(name)).Execution
		if x.ID != "" && !x.StartedAt.Before(started) {
			id, started = x.ID, x.StartedAt
		}
	}
	return id
}

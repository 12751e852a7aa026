package bridge

import (
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
		l.applyComponent(e)
		l.endOvertaken(e)
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
	v := judgeStep(j, c, e, ends)
	noteFact(&c, e.Time, ends)
	if (v == keep || v == refresh) && ends == "" && c.Execution.Attempt == 1 && e.Time.Before(c.Execution.StartedAt) {
		moveBegin(&j, &c, e.Time) // of the only attempt: there is none before that it could be of
		l.putExecution(&c, c.Execution)
	}
	switch v {
	case keep:
		l.line(c.Execution, e)
		l.note(j, from, e, "after the step had ended")
	case begin, whole:
		l.begin(&j, &c, e.Time)
	}
	if v != keep {
		l.line(c.Execution, e)
	}
	switch v {
	case end, whole:
		l.endStep(&j, &c, from, e, ends)
	case begin:
		j.Reason, c.State, c.ObservedAt = "", e.State, later(e.Time, c.ObservedAt)
	}
	l.putStep(j, c, from, attempt, e, e.Phase)
	l.endOvertaken(e)
}

// endStep ends the step as its event says. What was heard of it from a later time then is
// another attempt.
func (l *Ledger) endStep(j *flow.Job, c *flow.BridgeCursor, from flow.Status, e Event, ends flow.Status) {
	j.Reason, c.State, c.ObservedAt = "", e.State, later(e.Time, c.ObservedAt)
	if ends == flow.Failed {
		j.Reason = e.Message
	}
	l.finish(j, c, ends, e.Time)
	if c.ActiveAt.After(e.Time) {
		l.note(*j, from, e, e.Phase)
		l.begin(j, c, c.ActiveAt)
		j.Reason, c.State = "", ""
	}
}

// putStep writes a step whose status or attempt has changed, and looks after what it contains.
func (l *Ledger) putStep(j flow.Job, c flow.BridgeCursor, from flow.Status, attempt int, e Event, cause string) {
	if old := l.cursor(j.ID); from == j.Status && attempt == j.Attempt && old.Execution == c.Execution {
		old.ActiveAt, old.EndedAt = c.ActiveAt, c.EndedAt
		l.graph.PutBridgeCursor(old)
		return
	}
	l.put(j, c, from, e, cause)
	if attempt > 0 && attempt != j.Attempt {
		l.beginChildren(j, c.Execution.StartedAt)
	}
	l.endChildren(j)
}

// judgeStep decides what an event means for its step. What the step itself says is held
// against what else it has said, whenever that was heard; of an end that was only inferred
// it is believed in any case.
func judgeStep(j flow.Job, c flow.BridgeCursor, e Event, ends flow.Status) verdict {
	runs := j.Status == flow.Running
	switch {
	case ends == "" && !e.Time.After(c.EndedAt):
		return keep
	case ends == "":
		return when(runs || c.State == implied && !e.Time.After(j.FinishedAt), refresh, begin)
	case e.Time.Before(c.EndedAt), e.Time.Before(c.Execution.StartedAt) && (!runs || e.Time.Before(c.ActiveAt)):
		return keep
	case runs, impliedAt(c, e):
		return end
	case j.Status == ends:
		return keep
	}
	return whole
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

// active is the step that runs; the latest of them when events were out of order. What an
// emitter says of a step is no run of which the bridge could keep lines.
func (l *Ledger) active() (found flow.Job, ok bool) {
	for _, name := range flow.Steps {
		j, known := l.graph.Job(l.names.Job(name))
		j = ownRun(j)
		if known && j.Source == flow.SourceBridge && j.Status == flow.Running && (!ok || j.StartedAt.After(found.StartedAt)) {
			found, ok = j, true
		}
	}
	return found, ok
}

// applyTofuLine appends a line of tofu's output to the step that is active, else to the
// one that ran last; output before any step can only be that of the first.
func (l *Ledger) applyTofuLine(e Event) {
	if j, ok := l.active(); ok {
		l.line(l.cursor(j.ID).Execution, e)
		return
	}
	if x := l.lastExecution(); x.ID != "" {
		l.line(x, e)
		return
	}
	begin := e
	begin.Phase, begin.State, begin.Level = flow.StepInit, "", "info"
	begin.Message = ""
	l.applyStep(begin)
	l.applyTofuLine(e)
}

func (l *Ledger) lastExecution() (last flow.Execution) {
	for _, name := range flow.Steps {
		if x := l.cursor(l.names.Job(name)).Execution; x.ID != "" && !x.StartedAt.Before(last.StartedAt) {
			last = x
		}
	}
	return last
}

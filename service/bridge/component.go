package bridge

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// lineGrace is how long after an execution's end its controller's lines still belong to it.
const lineGrace = time.Minute

// verdict is what an event means for a component's job.
type verdict int

const (
	keep    verdict = iota // history only
	refresh                // the finer state changes, the status does not
	begin                  // an attempt runs
	end                    // the attempt that runs has ended
	whole                  // an attempt nobody saw running has ended
	same                   // the job is back, and its last attempt is the one that is known
)

// applyComponent: a HelmRelease went to a state.
func (l *Ledger) applyComponent(e Event) {
	if l.gone(e) {
		return
	}
	j, c := l.component(e)
	l.rememberPhase1(e)
	l.applyDependsOn(&c, j, e)
	from, v, next := j.Status, judge(j, c, e), another(j, c, e)
	noteComponent(&c, e)
	if v == keep || v == refresh && unchanged(j, c, e) {
		l.repeat(j, c, e, v)
		return
	}
	if v != refresh && j.Status == flow.Running && next {
		l.finish(&j, &c, flow.Failed, earlierOf(e))
		l.note(j, from, e, superseded(c, e))
	}
	if x := c.Execution; v == same {
		j.Status, j.StartedAt, j.FinishedAt = x.Status, x.StartedAt, x.FinishedAt
	}
	if v == begin || v == whole {
		l.begin(&j, &c, begunAt(c, e, next))
	}
	l.line(openExecution(c), e)
	if v == end || v == whole {
		beganBefore(&j, &c, e)
		l.finish(&j, &c, endedAs(e), e.Time)
	}
	describe(&j, &c, e)
	l.beginAgain(&j, &c, from, e)
	l.put(j, c, from, e, e.Message)
}

// beginAgain: a failure is heard of after what came after it.
func (l *Ledger) beginAgain(j *flow.Job, c *flow.BridgeCursor, from flow.Status, e Event) {
	if !e.plain() || j.Status != flow.Failed || !c.ActiveAt.After(e.Time) {
		return
	}
	l.note(*j, from, e, e.Message)
	l.begin(j, c, c.ActiveAt)
	describe(j, c, Event{Time: c.ActiveAt, State: StateInstalling})
}

// endedAs is how the attempt ended that an event ends.
func endedAs(e Event) flow.Status {
	if s := statusOf[e.State]; s.Terminal() {
		return s
	}
	return flow.Failed
}

// repeat keeps what has no effect. A source that says when it knew a thing says all of it
// again each time it looks; there is nothing to keep of that.
func (l *Ledger) repeat(j flow.Job, c flow.BridgeCursor, e Event, v verdict) {
	if v == refresh {
		remember(&c, e)
	}
	if !e.AsOf.Before(c.ObservedAt) && !e.AsOf.IsZero() {
		c.ObservedAt, c.Failures = e.AsOf, e.Failures
		settle(&c)
	}
	l.graph.PutBridgeCursor(c)
	if !e.AsOf.IsZero() || e.past() {
		return
	}
	l.line(openExecution(c), e)
	l.note(j, j.Status, e, causeOf(v, c, e))
}

// judge decides what an event means for a job, given what was applied before. Only a
// later fact moves a job, only along an attempt's life, and only a retry (something
// after a failure) or a new chart version is another attempt.
func judge(j flow.Job, c flow.BridgeCursor, e Event) verdict {
	to := statusOf[e.State]
	switch {
	case ofEarlier(j, c, e), e.past() && known(j, c, e), !e.past() && late(j, c, e):
		return keep
	case to == flow.Pending && e.Failures > c.Failures && j.Status != flow.Failed:
		return when(j.Status == flow.Running, end, whole) // it waits for another one after that
	case to == flow.Pending:
		return when(j.Status == flow.Pending || overlays(j, e), refresh, keep)
	case to == flow.Running:
		return judgeRunning(j, c, e)
	case j.Status == flow.Running && !another(j, c, e):
		return end
	case j.Status == flow.Pending && to == c.Execution.Status && !e.Began.IsZero() && c.Began.Equal(e.Began) && !another(j, c, e):
		return same
	case j.Status == flow.Succeeded && to == flow.Succeeded && !upgraded(c, e):
		return refresh // the same chart again, with other values: no new attempt
	case j.Status == to && !another(j, c, e):
		return refresh
	}
	return whole
}

func judgeRunning(j flow.Job, c flow.BridgeCursor, e Event) verdict {
	switch {
	case another(j, c, e), j.Status == flow.Pending, j.Status == flow.Failed:
		return begin
	case j.Status == flow.Running:
		return refresh
	}
	// It has succeeded. To be degraded says something of it; to be looked at does not.
	return when(e.State == StateDegraded || overlays(j, e), refresh, keep)
}

func when(yes bool, then, otherwise verdict) verdict {
	if yes {
		return then
	}
	return otherwise
}

// unchanged reports that a refresh would say what is already known.
func unchanged(j flow.Job, c flow.BridgeCursor, e Event) bool {
	after, cursor := j, c
	describe(&after, &cursor, e)
	return after.State == j.State && after.Reason == j.Reason && after.ChartVersion == j.ChartVersion
}

// describe sets the finer state.
func describe(j *flow.Job, c *flow.BridgeCursor, e Event) {
	c.State, c.ObservedAt = e.State, later(e.asOf(), c.ObservedAt)
	if !e.plain() {
		settle(c)
	}
	remember(c, e)
	if e.ChartVersion != "" && (statusOf[e.State] == j.Status || e.State == StateDegraded || c.ChartVersion == "") {
		c.ChartVersion = e.ChartVersion
	}
	j.State, j.ChartVersion, j.Reason = shown(*j, e), c.ChartVersion, ""
	switch {
	case e.Reason != "" && (e.Finer != "" || e.State != StateInstalled):
		j.Reason = e.Reason
		if e.Message != "" {
			j.Reason += ": " + e.Message
		}
	case e.State != StateInstalling && e.State != StateInstalled:
		j.Reason = e.Message
	}
}

// shown is the finer state of a job: what the event says it is, else its state, unless
// that is only what a controller does while the job stays what it is.
func shown(j flow.Job, e Event) string {
	switch {
	case e.Finer != "":
		return e.Finer
	case statusOf[e.State] == j.Status, e.State == StateDegraded:
		return e.State
	}
	return stateOf[j.Status]
}

// overlays reports an event that says something finer of a job whose status it does not
// move, or that such a thing is over.
func overlays(j flow.Job, e Event) bool {
	_, plain := statusOf[j.State]
	return e.Finer != "" || !plain && j.State != ""
}

func causeOf(v verdict, c flow.BridgeCursor, e Event) string {
	switch {
	case v == refresh:
		return "repeated"
	case e.asOf().Before(c.ObservedAt):
		return "late"
	}
	return "no new attempt: the controller looks at what is there"
}

// component finds or makes the job of an event's component, inside its region's group.
func (l *Ledger) component(e Event) (flow.Job, flow.BridgeCursor) {
	id, name := l.componentID(e), l.componentName(e)
	j, known := l.graph.Job(id)
	if !known || j.Source != flow.SourceBridge || j.Chart == "" || e.Namespace != "" && j.Namespace == "" {
		group := l.bootstrapKit(e.Region)
		j = l.job(id, name)
		j.Family, j.Region = "install", l.names.Region(e.Region)
		j.AppID, j.Chart, j.Namespace = e.Component, e.Component, e.Namespace
		if x := l.graph.BridgeCursor(id).Execution; x.ID != "" { // it is back
			j.Attempt, j.ExecutionID = x.Attempt, x.ID
		}
		l.graph.PutJob(j)
		l.contain(id, group)
	}
	return j, l.cursor(id)
}

func (l *Ledger) componentName(e Event) string {
	return l.names.InstallName(e.Region, flow.ComponentName(e.Namespace, e.Component))
}

func (l *Ledger) componentID(e Event) string { return l.names.Job(l.componentName(e)) }

// applyComponentLog keeps a controller's line where it belongs: the open execution; the
// last one, up to a minute after its end; before any it opens one. The job waits on:
// a line about a release is not its installation.
func (l *Ledger) applyComponentLog(e Event) {
	if l.graph.BridgeCursor(l.componentID(e)).State == StateDeleted {
		l.applyLastLines(e)
		return
	}
	j, c := l.component(e)
	x := c.Execution
	switch {
	case x.ID == "":
		l.open(&j, &c, e.Time)
		l.put(j, c, j.Status, e, "opened by a log line")
	case x.Status.Terminal() && e.Time.After(x.FinishedAt.Add(lineGrace)):
		return
	}
	l.line(c.Execution, e)
}

// applyLastLines keeps what is still said of a release that is gone.
func (l *Ledger) applyLastLines(e Event) {
	x := l.graph.BridgeCursor(l.componentID(e)).Execution
	if x.ID != "" && !e.Time.After(x.FinishedAt.Add(lineGrace)) {
		l.line(x, e)
	}
}

func openExecution(c flow.BridgeCursor) flow.Execution {
	if c.Execution.Status == flow.Running {
		return c.Execution
	}
	return flow.Execution{}
}

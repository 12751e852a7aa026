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
)

// applyComponent: a HelmRelease went to a state.
func (l *Ledger) applyComponent(e Event) {
	j, c := l.component(e)
	l.rememberPhase1(e)
	l.applyDependsOn(&c, j, e)
	from, v := j.Status, judge(j, c, e)
	if v == keep || v == refresh && unchanged(j, c, e) {
		l.graph.PutBridgeCursor(c)
		l.line(openExecution(c), e)
		l.note(j, from, e, causeOf(v, c, e))
		return
	}
	if v != refresh && j.Status == flow.Running && upgraded(c, e) {
		l.finish(&j, &c, flow.Failed, e.Time)
		l.note(j, from, e, "superseded by chart version "+e.ChartVersion)
	}
	if v == begin || v == whole {
		l.begin(&j, &c, e.Time)
	}
	l.line(openExecution(c), e)
	if v == end || v == whole {
		l.finish(&j, &c, statusOf[e.State], e.Time)
	}
	describe(&j, &c, e)
	l.put(j, c, from, e, e.Message)
}

// judge decides what an event means for a job, given what was applied before. Only a
// later fact moves a job, only along an attempt's life, and only a retry (something
// after a failure) or a new chart version is another attempt.
func judge(j flow.Job, c flow.BridgeCursor, e Event) verdict {
	if e.Time.Before(c.ObservedAt) {
		return keep
	}
	to := statusOf[e.State]
	switch {
	case to == flow.Pending:
		return when(j.Status == flow.Pending, refresh, keep)
	case to == flow.Running:
		return judgeRunning(j, c, e)
	case j.Status == flow.Running && !upgraded(c, e):
		return end
	case j.Status == to && !upgraded(c, e):
		return refresh
	}
	return whole
}

func judgeRunning(j flow.Job, c flow.BridgeCursor, e Event) verdict {
	switch {
	case upgraded(c, e), j.Status == flow.Pending, j.Status == flow.Failed:
		return begin
	case j.Status == flow.Running:
		return refresh
	}
	// It has succeeded. To be degraded says something of it; to be looked at does not.
	return when(e.State == stateDegraded, refresh, keep)
}

func when(yes bool, then, otherwise verdict) verdict {
	if yes {
		return then
	}
	return otherwise
}

// upgraded reports that the event speaks of another chart version than the last attempt's.
func upgraded(c flow.BridgeCursor, e Event) bool {
	return c.Execution.ID != "" && e.ChartVersion != "" && c.ChartVersion != "" && e.ChartVersion != c.ChartVersion
}

// unchanged reports that a refresh would say what is already known.
func unchanged(j flow.Job, c flow.BridgeCursor, e Event) bool {
	after, cursor := j, c
	describe(&after, &cursor, e)
	return after.State == j.State && after.Reason == j.Reason && after.ChartVersion == j.ChartVersion
}

// describe sets the finer state.
func describe(j *flow.Job, c *flow.BridgeCursor, e Event) {
	c.State, c.ObservedAt = e.State, e.Time
	if e.ChartVersion != "" {
		c.ChartVersion = e.ChartVersion
	}
	j.State, j.ChartVersion, j.Reason = e.State, c.ChartVersion, ""
	if e.State != stateInstalling && e.State != stateInstalled {
		j.Reason = e.Message
	}
}

func causeOf(v verdict, c flow.BridgeCursor, e Event) string {
	switch {
	case v == refresh:
		return "repeated"
	case e.Time.Before(c.ObservedAt):
		return "late"
	}
	return "no new attempt: the controller looks at what is there"
}

// component finds or makes the job of an event's component, inside its region's group.
func (l *Ledger) component(e Event) (flow.Job, flow.BridgeCursor) {
	name := l.names.InstallName(e.Region, e.Component)
	id := l.names.Job(name)
	j, known := l.graph.Job(id)
	if !known || j.Source != flow.SourceBridge || j.Chart == "" {
		group := l.bootstrapKit(e.Region)
		j = l.job(id, name)
		j.Family, j.Region = "install", l.names.Region(e.Region)
		j.AppID, j.Chart = e.Component, e.Component
		l.graph.PutJob(j)
		l.contain(id, group)
	}
	return j, l.cursor(id)
}

// applyComponentLog keeps a controller's line where it belongs: the open execution; the
// last one, up to a minute after its end; before any it opens one. The job waits on:
// a line about a release is not its installation.
func (l *Ledger) applyComponentLog(e Event) {
	j, c := l.component(e)
	x := c.Execution
	switch {
	case x.ID == "":
		l.open(&j, &c, e.Time)
		l.put(j, c, j.Status, e, "opened by a log line")
	case x.Status.Terminal() && e.Time.After(x.FinishedAt.Add(lineGrace)):
		return
	}
	l.line(c.Execution.ID, e)
}

func openExecution(c flow.BridgeCursor) string {
	if c.Execution.Status == flow.Running {
		return c.Execution.ID
	}
	return ""
}

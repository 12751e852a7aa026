package bridge

import (
	"cmp"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// What an archive says of live state is taken where it is newer than what is known here, or
// where nothing is known. Its history is left to the store, which knows what it has.

// Apply implements Observation. The header and the deployment's record are not the flow's.
func (r Restored) Apply(l *Ledger) {
	switch {
	case r.Flow != nil:
		l.restoreFlow(*r.Flow)
	case r.Job != nil:
		l.restoreJob(*r.Job)
	case r.Relationship != nil:
		l.restoreRelationship(*r.Relationship, r.Said)
	case r.Cursor != nil:
		l.restoreCursor(*r.Cursor)
	case r.Execution != nil:
		l.restoreExecution(inUTC(*r.Execution))
	case r.Transition != nil:
		l.restored.Transitions = append(l.restored.Transitions, *r.Transition)
	case r.Line != nil:
		l.restored.Lines = append(l.restored.Lines, *r.Line)
	}
}

// restoreFlow adds what is not known of the flow.
func (l *Ledger) restoreFlow(f flow.Flow) {
	known := l.graph.Flow()
	p := FlowPart{
		DefinitionID: cmp.Or(known.DefinitionID, f.DefinitionID), ParentFlowID: cmp.Or(known.ParentFlowID, f.ParentFlowID),
		TriggeredBy: orKnown(known.TriggeredBy, f.TriggeredBy), Meta: orKnown(known.Meta, f.Meta),
	}
	if f.Declared && !known.Declared {
		p.Status, p.StartedAt, p.EndedAt = f.Status, f.StartedAt, f.EndedAt
	}
	l.putFlow(p)
	if known = l.graph.Flow(); len(known.Watches) == 0 {
		known.Watches = f.Watches
		l.graph.PutFlow(known)
	}
}

// restoreJob puts a whole job, unless what is known here is as new.
func (l *Ledger) restoreJob(j flow.Job) {
	if old, known := l.graph.Job(j.ID); known && !newer(ownRun(j), ownRun(old)) {
		return
	}
	j.StartedAt, j.FinishedAt = j.StartedAt.UTC(), j.FinishedAt.UTC()
	j.Run.StartedAt, j.Run.FinishedAt = j.Run.StartedAt.UTC(), j.Run.FinishedAt.UTC()
	l.graph.PutJob(j)
}

// newer reports that a job out of an archive goes beyond the one that is here: it is a later
// attempt, or the end of the same one. What has ended here does not go back, and what a
// group derives from others says nothing.
func newer(j, old flow.Job) bool {
	switch {
	case old.Type == flow.TypeGroup && old.Run.Status == "", old.Status.Terminal() && !j.Status.Terminal():
		return false
	case j.Attempt != old.Attempt:
		return j.Attempt > old.Attempt
	case j.Status.Terminal():
		return j.FinishedAt.After(later(old.StartedAt, old.FinishedAt))
	}
	return old.Status == flow.Pending && j.Status == flow.Running
}

// restoreRelationship adds an edge that is not known here, unless the job's dependencies
// were said here since.
func (l *Ledger) restoreRelationship(r flow.Relationship, said time.Time) {
	_, known := l.graph.Relationship(r.RelationshipKey)
	if known || r.Type == flow.FinishToStart && l.cursor(r.ToID).DependsAt.After(said) {
		return
	}
	l.putRelationship(r, cmp.Or(r.Source, flow.SourceBridge))
}

// restoreCursor remembers what the archive's bridge did of a job, where it speaks of the
// attempt that the job is at and knows more of it.
func (l *Ledger) restoreCursor(c flow.BridgeCursor) {
	old := l.cursor(c.JobID)
	j, known := l.graph.Job(c.JobID) // not of a release that was deleted, of which this is all there is
	if !c.ObservedAt.After(old.ObservedAt) || known && j.ExecutionID != c.Execution.ID {
		return
	}
	for _, at := range []*time.Time{&c.ObservedAt, &c.DependsAt, &c.ActiveAt, &c.EndedAt, &c.Began} {
		*at = at.UTC()
	}
	c.Execution = inUTC(c.Execution)
	if c.Execution.ID != "" { // it is a record of its own too, which may come in another transaction
		l.restoreExecution(c.Execution)
	}
	l.graph.PutBridgeCursor(c)
}

func (l *Ledger) restoreExecution(x flow.Execution) {
	same := func(o flow.Execution) bool { return o.ID == x.ID }
	if !slices.ContainsFunc(l.restored.Executions, same) {
		l.restored.Executions = append(l.restored.Executions, x)
	}
}

// inUTC gives an execution as it is kept; its lines are counted by the store.
func inUTC(x flow.Execution) flow.Execution {
	x.StartedAt, x.FinishedAt, x.LineCount = x.StartedAt.UTC(), x.FinishedAt.UTC(), 0
	return x
}

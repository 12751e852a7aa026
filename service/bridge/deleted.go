package bridge

import (
	"cmp"

	"github.com/openova-io/provflow/service/flow"
)

// applyDeleted: the release is gone.
func (l *Ledger) applyDeleted(e Event) {
	if j, known := l.graph.Job(l.componentID(e)); known && j.Source == flow.SourceBridge {
		l.remove(j, e, cmp.Or(e.Message, "the release was deleted"))
	}
}

// remove takes a release's job out of the live flow, with what it depends on and what it
// is in. Its history stays, and what the bridge remembers of it, so that attempts go on
// counting when the release is back. What others say of depending on it stays as well,
// and is shown again then.
func (l *Ledger) remove(j flow.Job, e Event, cause string) {
	c, from := l.cursor(j.ID), j.Status
	if e.asOf().Before(c.ObservedAt) {
		l.note(j, from, e, "late")
		return
	}
	if c.Execution.Status == flow.Running {
		l.finish(&j, &c, flow.Failed, e.Time)
	}
	c.State, c.ObservedAt = StateDeleted, e.asOf()
	l.note(j, from, Event{Time: e.Time, State: StateDeleted}, cause)
	own := func(r flow.Relationship) bool {
		return r.Source == flow.SourceBridge && (r.FromID == j.ID && r.Type == flow.Contains || r.ToID == j.ID && r.Type == flow.FinishToStart)
	}
	for _, r := range l.graph.Relationships(own) {
		l.graph.Unrelate(r.RelationshipKey)
	}
	l.graph.RemoveJob(j.ID)
	l.graph.PutBridgeCursor(c)
}

// gone reports an event about a release that was deleted after what the event says.
func (l *Ledger) gone(e Event) bool {
	id := l.componentID(e)
	c := l.graph.BridgeCursor(id)
	_, there := l.graph.Job(id)
	return !there && c.State == StateDeleted && e.asOf().Before(c.ObservedAt)
}

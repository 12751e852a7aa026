package bridge

import (
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// A step seldom says that it has ended: it has when the next one began. That is inferred from
// the times of what was heard, in whatever order, and inferred again when more is heard.

// endOvertaken ends, as succeeded, every step after whose last word another one, or Phase 1,
// began; where that was thought to be later, it is corrected.
func (l *Ledger) endOvertaken(by Event) {
	for _, name := range flow.Steps {
		j, known := l.graph.Job(l.names.Job(name))
		if !known || j.Source != flow.SourceBridge {
			continue
		}
		j, c := ownRun(j), l.cursor(j.ID)
		inferred := c.State == implied && j.Status.Terminal()
		if j.Status != flow.Running && !inferred {
			continue
		}
		at := l.nextBegin(name, later(c.ActiveAt, c.Execution.StartedAt), by)
		if at.IsZero() || inferred && !at.Before(j.FinishedAt) {
			continue
		}
		from := j.Status
		c.State = implied
		l.finish(&j, &c, flow.Succeeded, at)
		l.putStep(j, c, from, j.Attempt, Event{Time: j.FinishedAt, State: string(flow.Succeeded)}, by.Phase+" began")
	}
}

// nextBegin is the earliest time after that one at which another step, or Phase 1, is known
// to have begun; zero when none did. A controller goes on for ever, so what it says later
// ends cluster-bootstrap alone.
func (l *Ledger) nextBegin(step string, after time.Time, by Event) (first time.Time) {
	consider := func(times ...time.Time) {
		for _, at := range times {
			if at.After(after) && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	place := slices.Index(flow.Steps, step)
	for i, name := range flow.Steps {
		if i != place {
			consider(l.begins(name, i > place)...)
		}
	}
	consider(l.phase1Began())
	if step == flow.StepBootstrap && by.Phase == PhaseComponent {
		consider(by.Time)
	}
	return first
}

// begins lists the times at which a step is known to have been begun. Of a step that comes
// later in the order any word says that those before it are over; an end that is heard
// late of an earlier one says nothing.
func (l *Ledger) begins(step string, comesLater bool) []time.Time {
	id := l.names.Job(step)
	c := l.graph.BridgeCursor(id)
	j, _ := l.graph.Job(id)
	times := []time.Time{c.ActiveAt}
	for _, at := range []time.Time{ownRun(j).StartedAt, c.Execution.StartedAt, c.EndedAt} {
		if comesLater || !at.After(c.ActiveAt) && !at.Equal(c.EndedAt) {
			times = append(times, at)
		}
	}
	return times
}

// rememberPhase1 notes, on the group of all installs, when the first component was in a state.
func (l *Ledger) rememberPhase1(e Event) {
	if began := l.phase1Began(); began.IsZero() || e.Time.Before(began) {
		c := l.cursor(l.names.Job(flow.GroupBootstrapKit))
		c.ObservedAt = e.Time
		l.graph.PutBridgeCursor(c)
	}
}

// phase1Began is when the first component was heard of; zero before.
func (l *Ledger) phase1Began() time.Time {
	return l.graph.BridgeCursor(l.names.Job(flow.GroupBootstrapKit)).ObservedAt
}

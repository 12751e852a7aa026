package bridge

import (
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Events may be heard in another order than that in which they happened, and the job is to
// end up the same. For that it is enough to remember when it was last said to be at work and
// when it was last said to have ended, whatever came of it then: the later of the two decides.
//
// What is not made up for: an attempt of which nothing is heard until a later one is known, or
// that lies between two failures that were heard of first, is in the history and in no list
// of attempts, since attempts are numbered as they are heard of. An end stays at its time
// once it was shown, also where an earlier word of the same end is heard later. Of two facts
// of one moment the one heard last counts. Which of the edges that close a cycle is refused,
// output of tofu that is heard before any step, and steps that run again once there are
// components go by the order of arrival.

// plain reports an event of a source that says when something happened and no more. One that
// knows which attempt it speaks of, or as of when, is believed in that.
func (e Event) plain() bool { return e.Began.IsZero() && e.AsOf.IsZero() }

// late reports a fact about a component that is older than what was applied and cannot
// change what is known.
func late(j flow.Job, c flow.BridgeCursor, e Event) bool {
	to, unheard := statusOf[e.State], c.ActiveAt.IsZero() && c.EndedAt.IsZero()
	old := e.Time.Before(later(c.ActiveAt, c.EndedAt))
	switch {
	case !e.plain(), unheard && j.Status != flow.Pending, to == flow.Pending:
		return e.asOf().Before(c.ObservedAt)
	case e.Time.Before(c.EndedAt):
		return true
	case to == flow.Running:
		return old && (j.Status == flow.Running || j.Status == flow.Succeeded && !upgraded(c, e))
	case j.Status == flow.Running && e.Time.Before(c.ActiveAt):
		return upgraded(c, e) || to == flow.Failed && e.Time.Before(c.Execution.StartedAt)
	}
	return old && j.Status == to
}

// noteComponent remembers what an event says of its component.
func noteComponent(c *flow.BridgeCursor, e Event) {
	switch to := statusOf[e.State]; {
	case to == flow.Pending || !e.plain():
	case to == flow.Running:
		noteFact(c, e.Time, "")
	default:
		noteFact(c, e.Time, to)
	}
}

// noteFact remembers when a job was last said to be at work, or to have ended.
func noteFact(c *flow.BridgeCursor, at time.Time, ends flow.Status) {
	if ends == "" {
		c.ActiveAt = later(at, c.ActiveAt)
	} else {
		c.EndedAt = later(at, c.EndedAt)
	}
}

// settle has what a source knows as of some moment stand against all that is older.
func settle(c *flow.BridgeCursor) {
	c.ActiveAt, c.EndedAt = later(c.ObservedAt, c.ActiveAt), later(c.ObservedAt, c.EndedAt)
}

// beganBefore moves the begin of an attempt whose end is known to have been earlier than it
// was first heard of.
func beganBefore(j *flow.Job, c *flow.BridgeCursor, e Event) {
	if !e.plain() || j.Status != flow.Running || !e.Time.Before(c.Execution.StartedAt) || c.ActiveAt.IsZero() {
		return
	}
	moveBegin(j, c, e.Time)
}

// moveBegin has an attempt begin at that time.
func moveBegin(j *flow.Job, c *flow.BridgeCursor, at time.Time) {
	if j.StartedAt.Equal(c.Execution.StartedAt) {
		j.StartedAt = at
	}
	c.Execution.StartedAt = at
}

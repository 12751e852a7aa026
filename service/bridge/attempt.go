package bridge

import (
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Which attempt an event speaks of. A source that says when the attempt began is believed:
// by that an attempt is known again, however often and however late it is told of. Of any
// other source another chart version, or a larger count of failures, is another attempt.

// slack is how far apart the clocks may be by which an attempt and its execution began.
const slack = time.Minute

// another reports that the event speaks of a later attempt than the last one here.
func another(j flow.Job, c flow.BridgeCursor, e Event) bool {
	x := c.Execution
	switch {
	case x.ID == "":
		return false
	case e.Began.IsZero():
		return upgraded(c, e) || retried(j, c, e)
	case c.BeganAttempt == x.Attempt:
		return beganAfter(e, c) || !before(e, c) && !e.past() && retried(j, c, e)
	case x.Status == flow.Running:
		return false // it is the one that runs: its source had not said yet when it began
	}
	return e.Began.After(x.FinishedAt)
}

// ofEarlier reports an event about an attempt that is over, or was before any known here.
func ofEarlier(j flow.Job, c flow.BridgeCursor, e Event) bool {
	x := c.Execution
	switch {
	case x.ID == "":
		return false
	case j.Status == flow.Running && e.State == StateFailed && !e.past():
		return failedBefore(c, e)
	case e.Began.IsZero():
		return false
	case j.Status == flow.Running && e.State == StateInstalled && !e.past():
		return false // so it is now: what runs is over, whichever attempt made it so
	case c.BeganAttempt == x.Attempt:
		return before(e, c)
	case c.BeganAttempt != 0 && !beganAfter(e, c):
		return true
	}
	return e.Began.Before(x.StartedAt.Add(-slack))
}

// failedBefore reports the failure after which what runs was begun, not one of what runs.
func failedBefore(c flow.BridgeCursor, e Event) bool {
	return e.Finer == FinerRetrying && e.Failures <= c.Failures && !e.Time.After(c.Execution.StartedAt)
}

// past reports an event that tells of an attempt as something that is over, at no matter
// which time: what it says is new, or known already.
func (e Event) past() bool {
	return !e.Began.IsZero() && e.AsOf.IsZero() && statusOf[e.State].Terminal()
}

// known reports that how the event's attempt ended was heard of before.
func known(j flow.Job, c flow.BridgeCursor, e Event) bool {
	return j.Status.Terminal() && c.BeganAttempt == c.Execution.Attempt && !another(j, c, e)
}

// beganAfter reports that the event's attempt began after the last one whose begin is known.
func beganAfter(e Event, c flow.BridgeCursor) bool {
	return e.Began.After(c.Began) || e.Began.Equal(c.Began) && e.Revision > c.Revision
}

// before reports that the event's attempt began before the last one whose begin is known.
func before(e Event, c flow.BridgeCursor) bool {
	return e.Began.Before(c.Began) || e.Began.Equal(c.Began) && e.Revision < c.Revision
}

// retried reports that an attempt has failed meanwhile that was not seen to: the one that
// was running here, or one after the one that failed.
func retried(j flow.Job, c flow.BridgeCursor, e Event) bool {
	unseen := j.Status == flow.Running && statusOf[e.State] == flow.Running ||
		j.Status == flow.Failed && e.State == StateFailed
	return unseen && e.Failures > c.Failures
}

// upgraded reports that the event speaks of another chart version than the last attempt's.
func upgraded(c flow.BridgeCursor, e Event) bool {
	return c.Execution.ID != "" && e.ChartVersion != "" && c.ChartVersion != "" && !sameVersion(e.ChartVersion, c.ChartVersion)
}

// sameVersion compares chart versions. A controller may add the build to one that is asked
// for without it, and a `v` in front says nothing.
func sameVersion(a, b string) bool {
	a, b = strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v")
	bareA, buildA, _ := strings.Cut(a, "+")
	bareB, buildB, _ := strings.Cut(b, "+")
	return bareA == bareB && (buildA == buildB || buildA == "" || buildB == "")
}

// remember keeps what the event says of its attempt, which is the latest here now.
func remember(c *flow.BridgeCursor, e Event) {
	if !e.Began.IsZero() && statusOf[e.State] != flow.Pending {
		c.Began, c.Revision, c.BeganAttempt = e.Began, e.Revision, c.Execution.Attempt
	}
	switch {
	case !e.past():
		c.Failures = e.Failures
	case statusOf[e.State] == flow.Succeeded:
		c.Failures = 0 // the source counts from its last success
	}
}

// begunAt is when the attempt began that the event begins here.
func begunAt(c flow.BridgeCursor, e Event, next bool) time.Time {
	if e.Began.IsZero() || c.Execution.ID != "" && !next {
		return e.Time
	}
	return earlierOf(e)
}

// earlierOf is the latest time at which what was before the event's attempt was over.
func earlierOf(e Event) time.Time {
	if !e.Began.IsZero() && e.Began.Before(e.Time) {
		return e.Began
	}
	return e.Time
}

func superseded(c flow.BridgeCursor, e Event) string {
	if upgraded(c, e) {
		return "superseded by chart version " + e.ChartVersion
	}
	return "superseded by another attempt"
}

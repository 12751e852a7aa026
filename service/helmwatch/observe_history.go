package helmwatch

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/openova-io/provflow/service/bridge"
)

// attempts gives the attempts that are over, the oldest first.
func (r *release) attempts() []Attempt {
	history := slices.Clone(r.Status.History)
	history = slices.DeleteFunc(history, func(s snapshot) bool { return s.LastDeployed.IsZero() })
	slices.SortStableFunc(history, func(a, b snapshot) int {
		return cmp.Or(a.LastDeployed.Compare(b.LastDeployed.Time), cmp.Compare(a.Version, b.Version))
	})
	var attempts []Attempt
	for i, s := range history {
		last := i == len(history)-1
		state := s.outcome()
		if last && r.condition(condReady).Reason == reasonTestFailed {
			state = bridge.StateFailed
		}
		if state != "" && !isRollback(history[:i], s) {
			attempts = append(attempts, r.attempt(s, state, last))
		}
	}
	return attempts
}

// attempt reads a snapshot. When an attempt ended is remembered of the last one alone, and
// of one that was uninstalled.
func (r *release) attempt(s snapshot, state string, last bool) Attempt {
	a := Attempt{
		Began: s.LastDeployed.Time, Ended: laterOf(s.LastDeployed.Time, s.Deleted.Time), Revision: s.Version,
		State: state, ChartVersion: s.ChartVersion,
		Message: fmt.Sprintf("revision %d of the release, chart version %s: %s", s.Version, s.ChartVersion, s.Status),
	}
	released := r.condition(condReleased)
	if last && (isTrue(released) && state == bridge.StateInstalled || isFalse(released) && state == bridge.StateFailed) {
		a.Ended, a.Message = laterOf(a.Began, released.LastTransitionTime.Time), released.Message
	}
	return a
}

// triedSince reports that another chart version was tried after that attempt, of which
// nothing is left.
func (r *release) triedSince(a Attempt) bool {
	tried := r.Status.LastAttemptedRevision
	return a.State == bridge.StateFailed && tried != "" && tried != a.ChartVersion
}

// unremembered gives the failure after which it is tried again, where Helm had not come so
// far as to make a release.
func (r *release) unremembered(o Observation) Attempt {
	last, released := len(o.Past)-1, r.condition(condReleased)
	remembered := last >= 0 && o.Past[last].State == bridge.StateFailed &&
		(o.Failures == 0 || o.Past[last].ChartVersion == o.ChartVersion) // counted anew with each chart
	if o.State != bridge.StateInstalling || remembered {
		return Attempt{}
	}
	switch failed := (Attempt{Ended: o.At, State: bridge.StateFailed, Message: o.Message}); {
	case isFalse(released):
		failed.Ended, failed.Message = released.LastTransitionTime.Time, released.Message
		return failed
	case o.Failures > 0, o.Reason == reasonCanceled:
		return failed
	}
	return Attempt{}
}

// outcome is how the attempt ended; "" while it has not.
func (s snapshot) outcome() string {
	switch s.Status {
	case snapshotDeployed, snapshotSuperseded:
		for _, hook := range s.TestHooks {
			if hook.Phase == snapshotTestHookFails {
				return bridge.StateFailed
			}
		}
		return bridge.StateInstalled
	case snapshotFailed, snapshotUninstalled:
		return bridge.StateFailed
	}
	return ""
}

// isRollback reports a snapshot that no attempt made, but what followed a failed one:
// what was there before it is there again.
func isRollback(before []snapshot, s snapshot) bool {
	if s.Action != "" {
		return s.Action == snapshotRolledBack
	}
	n := len(before) - 1
	if n < 1 || before[n].outcome() != bridge.StateFailed || same(before[n], s) {
		return false
	}
	return slices.ContainsFunc(before[:n], func(old snapshot) bool { return old.outcome() == bridge.StateInstalled && same(old, s) })
}

func same(a, b snapshot) bool {
	return a.ChartVersion == b.ChartVersion && a.ConfigDigest == b.ConfigDigest
}

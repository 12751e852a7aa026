package helmwatch

import (
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openova-io/provflow/service/bridge"
)

// said is what the object says of itself now.
type said struct {
	state, finer, reason, message string
	at                            time.Time
}

// said reads the object. A suspended one stays what it was: the controller does not look
// at it, so neither its generation nor the time that passes mean anything.
func (r *release) said() said {
	s := r.progress()
	switch {
	case r.Metadata.DeletionTimestamp != nil:
		s.finer, s.reason, s.message = Deleting, "Deleting", "the release is being deleted"
	case r.Spec.Suspend:
		s.finer, s.reason, s.message = Suspended, "Suspended", "spec.suspend is set: the controller does not look at it"
	}
	return s
}

// progress is how far the release is; the first rule that holds decides.
func (r *release) progress() said {
	ready, reconciling, stalled := r.condition(condReady), r.condition(condReconciling), r.condition(condStalled)
	remediated := r.condition(condRemediated)
	switch {
	case r.unseen() && !acts(reconciling):
		return r.pending("the controller has not looked at it yet")
	case isTrue(stalled):
		return r.stalled(stalled, remediated)
	case isFalse(ready) && slices.Contains(waitingReasons, ready.Reason):
		return of(bridge.StatePending, Waiting, ready)
	case isTrue(reconciling) && reconciling.Reason == reasonRetry, isFalse(ready) && ready.Reason == reasonCanceled:
		return r.retrying(ready, reconciling)
	case isTrue(reconciling) && isFalse(ready) && remediates(reconciling):
		return of(bridge.StateFailed, Remediating, ready)
	case acts(reconciling):
		return of(bridge.StateInstalling, "", reconciling)
	case isTrue(remediated):
		return r.gaveUp(of(bridge.StateFailed, remedy(remediated), remediated))
	case isTrue(ready):
		return of(bridge.StateInstalled, "", ready)
	case isFalse(ready) && !isTrue(reconciling): // else it is about to be looked at again
		return of(bridge.StateFailed, "", ready)
	case ready.Status == metav1.ConditionUnknown && !isTrue(reconciling):
		return of(bridge.StateInstalling, "", ready)
	}
	return r.pending(reconciling.Message)
}

// unseen reports that the controller has not looked at what is wanted now. It writes the
// generation it has dealt with at the end, and into each condition what that one is about.
func (r *release) unseen() bool {
	seen := r.Status.ObservedGeneration
	for _, typ := range []string{condReady, condReconciling, condStalled} {
		seen = max(seen, r.condition(typ).ObservedGeneration)
	}
	return !r.Spec.Suspend && seen < r.Metadata.Generation
}

func (r *release) pending(message string) said {
	return said{state: bridge.StatePending, message: message, at: r.asOf}
}

func (r *release) stalled(stalled, remediated metav1.Condition) said {
	s := of(bridge.StateFailed, Stalled, stalled)
	if isTrue(remediated) {
		s.finer = remedy(remediated)
		s.message = stalled.Message + "; " + remediated.Message
	}
	return r.gaveUp(s)
}

// gaveUp dates what comes after a failure back to the failure itself.
func (r *release) gaveUp(s said) said {
	if released := r.condition(condReleased); isFalse(released) {
		s.at = released.LastTransitionTime.Time
	}
	return s
}

// retrying is told with why the last attempt failed and when the next one comes.
func (r *release) retrying(ready, reconciling metav1.Condition) said {
	s := of(bridge.StateInstalling, Retrying, ready)
	if isTrue(reconciling) && reconciling.Message != "" && reconciling.Message != ready.Message {
		s.message = strings.Trim(ready.Message+"; "+reconciling.Message, "; ")
	}
	if !isFalse(ready) {
		s.reason, s.at = reconciling.Reason, reconciling.LastTransitionTime.Time
	}
	return s
}

// acts reports that the controller does something, or is about to do it again. At the
// beginning of every look, also at what is long installed or has failed for good, it only
// looks whether there is something to do.
func acts(reconciling metav1.Condition) bool {
	return isTrue(reconciling) && !strings.HasPrefix(reconciling.Message, preparing)
}

func remediates(reconciling metav1.Condition) bool {
	return strings.HasPrefix(reconciling.Message, runningRollback) || strings.HasPrefix(reconciling.Message, runningUninstall)
}

func remedy(remediated metav1.Condition) string {
	if remediated.Reason == reasonRollbackDone {
		return RolledBack
	}
	return Uninstalled
}

func of(state, finer string, c metav1.Condition) said {
	return said{state, finer, c.Reason, c.Message, c.LastTransitionTime.Time}
}

func isTrue(c metav1.Condition) bool  { return c.Status == metav1.ConditionTrue }
func isFalse(c metav1.Condition) bool { return c.Status == metav1.ConditionFalse }

// exact matches a version that is no range of them.
var exact = regexp.MustCompile(`^v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)

// chartVersion is the version that the state is about. What is only wanted counts until
// the controller has tried it: the two differ where a range is asked for.
func (r *release) chartVersion(state string) string {
	wanted := r.Spec.Chart.Spec.Version
	if !exact.MatchString(wanted) {
		wanted = ""
	}
	tried := r.Status.LastAttemptedGeneration == 0 || r.Status.LastAttemptedGeneration == r.Metadata.Generation
	switch attempted := r.Status.LastAttemptedRevision; {
	case state == bridge.StateInstalled && r.Status.LastAppliedRevision != "":
		return r.Status.LastAppliedRevision
	case attempted != "" && (tried && state != bridge.StatePending || wanted == ""):
		return attempted
	}
	return wanted
}

package helmwatch

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/openova-io/provflow/service/bridge"
)

// Selection says which releases are watched. What is left empty selects all.
type Selection struct {
	Prefix     string // of the release's name
	Namespaces []string
	Labels     labels.Selector
}

// Has reports a release that is watched.
func (s Selection) Has(u *unstructured.Unstructured) bool {
	return strings.HasPrefix(u.GetName(), s.Prefix) &&
		(len(s.Namespaces) == 0 || slices.Contains(s.Namespaces, u.GetNamespace())) &&
		(s.Labels == nil || s.Labels.Matches(labels.Set(u.GetLabels())))
}

// Deleted says that a release is gone which was last seen to change as of then. When it went
// the clock here says; what comes before and after that the cluster's does: another release
// of its name, made before this was heard of or by a clock that is behind, is none that went.
func Deleted(r Release, region string, at, asOf time.Time) bridge.Event {
	e := r.about(region, bridge.PhaseComponent)
	e.Time, e.AsOf, e.State, e.Message = at.UTC().Truncate(time.Microsecond), asOf, bridge.StateDeleted, "the release was deleted"
	return e
}

// Listed says that these are all releases that are watched in the region's cluster: of what
// went while nobody looked nobody else tells.
func Listed(releases []Release, region string, at time.Time) bridge.Event {
	e := Whole(bridge.WatchListed, "", region, at)
	e.Components = make([]string, len(releases))
	for i, r := range releases {
		e.Components[i] = r.String()
	}
	slices.Sort(e.Components)
	return e
}

// Whole says one of bridge's Watch states of the region's cluster as a whole.
func Whole(state, message, region string, at time.Time) bridge.Event {
	return bridge.Event{
		Time: at.UTC().Truncate(time.Microsecond), Phase: bridge.PhaseWatch, Level: wholeLevels[state],
		State: state, Message: message, Region: region,
	}
}

var wholeLevels = map[string]string{
	bridge.WatchWatching: "info", bridge.WatchListed: "info", bridge.WatchReconciling: "info", bridge.WatchReady: "info",
	bridge.WatchBlind: "warn", bridge.WatchNothing: "warn",
	bridge.WatchFailed: "error", bridge.WatchTimedOut: "error",
}

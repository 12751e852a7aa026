package helmwatch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// Limits are after which time a watch says that something is wrong; zero is never.
type Limits struct {
	Install time.Duration // that a release may take until it is installed, its waiting among it
	First   time.Duration // from when the cluster was first watched until something was seen to happen
}

// whole is what is said of a cluster as a whole.
type whole struct{ state, message string }

// tell says of the cluster whether it can be looked at and how it came out, whenever that
// has changed, until ctx ends.
func (s *session) tell(ctx context.Context) {
	var sight, outcome whole
	var looked time.Time // when it was last said that it can be
	for pause(ctx, time.Second) {
		since, why := s.sight.lost()
		now := s.options.Now()
		switch {
		case why != nil:
			since = laterOf(since, looked)
			if s.tellIf(ctx, &sight, whole{bridge.WatchBlind, why.Error()}, since) {
				s.log.Warn("the cluster cannot be looked at", "since", since, "error", why)
			}
		case s.sight.has():
			if s.tellIf(ctx, &sight, whole{bridge.WatchWatching, ""}, now) {
				looked = now
				s.log.Info("the cluster can be looked at")
			}
			if s.knowsAll() {
				s.tellIf(ctx, &outcome, outcomeOf(s.releases.all(), s.position().Since, now, s.options.Limits), now)
			}
		}
	}
}

// knowsAll reports that what there is was seen, or that nothing can be yet.
func (s *session) knowsAll() bool {
	select {
	case <-s.releases.listed:
		return true
	default:
		return s.absent.Load()
	}
}

// tellIf tells what was not told last, and reports that it did.
func (s *session) tellIf(ctx context.Context, told *whole, now whole, at time.Time) bool {
	if *told == now {
		return false
	}
	*told = now
	s.events.put(ctx, entry{item: s.item(Whole(now.state, now.message, s.Region, at), flow.Fingerprint{})})
	return true
}

// sayDropped says that nobody looks from now on, since nobody is to.
func (s *session) sayDropped(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopBound)
	defer cancel()
	e := Whole(bridge.WatchBlind, "its kubeconfig was taken away", s.Region, s.options.Now())
	if _, err := s.options.Recorder.Record(ctx, s.FlowID, []record.Item{s.item(e, flow.Fingerprint{})}); err != nil {
		s.log.Warn("saying that it is not watched any more", "error", err)
	}
}

// outcomeOf is how a cluster has come out that is watched since then.
func outcomeOf(all []seen, since, now time.Time, l Limits) whole {
	var ready, touched int
	var failed, late []string
	for _, o := range all {
		switch {
		case o.State == bridge.StateInstalled:
			ready++
		case o.State == bridge.StateFailed:
			failed = append(failed, o.Release.Name)
		case l.Install > 0 && now.Sub(o.unreadySince()) >= l.Install:
			late = append(late, o.Release.Name)
		}
		if o.touched() {
			touched++
		}
	}
	switch {
	case len(all) > 0 && ready == len(all):
		return whole{bridge.WatchReady, fmt.Sprintf("all %d releases are installed", ready)}
	case touched == 0 && l.First > 0 && now.Sub(since) >= l.First:
		return whole{bridge.WatchNothing, nothing(len(all), l.First)}
	case len(late) > 0:
		return whole{bridge.WatchTimedOut, fmt.Sprintf("%d of %d releases are not installed after %s: %s", len(late), len(all), l.Install, some(late))}
	case len(failed) > 0:
		return whole{bridge.WatchFailed, fmt.Sprintf("%d of %d releases have failed: %s", len(failed), len(all), some(failed))}
	}
	return whole{bridge.WatchReconciling, ""}
}

// some names the first few.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// unreadySince is since when a release that is not installed is wanted to be.
func (o seen) unreadySince() time.Time {
	for _, a := range append(o.Past, o.Attempt) {
		if a.State == bridge.StateInstalled { // it was, and something else is wanted now
			return o.At
		}
	}
	return o.object.GetCreationTimestamp().Time
}

// touched reports that a controller has said something of the release.
func (o seen) touched() bool {
	conditions, _, _ := unstructured.NestedSlice(o.object.Object, "status", "conditions")
	return len(conditions) > 0
}

// nothing says what to check where nobody reconciles.
func nothing(releases int, limit time.Duration) string {
	if releases == 0 {
		return fmt.Sprintf("no release was seen within %s. Check that Flux is installed and has its Git or OCI source "+
			"(flux get sources all -A), that its Kustomizations apply (flux get kustomizations -A), and the name prefix, namespaces and labels that are watched", limit)
	}
	return fmt.Sprintf("none of %d releases was touched within %s. Check that helm-controller and source-controller run "+
		"(kubectl -n flux-system get pods) and what they say (kubectl -n flux-system logs deploy/helm-controller)", releases, limit)
}

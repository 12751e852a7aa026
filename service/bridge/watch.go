package bridge

import (
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// What who watches a cluster says of the whole: whether it can look, what there is, and
// how it came out.
const (
	WatchWatching    = "watching"           // it looks
	WatchBlind       = "blind"              // it has not been able to look since
	WatchListed      = "listed"             // these releases there are, and no others
	WatchReconciling = "reconciling"        // it has not come out yet
	WatchReady       = "ready"              // all releases are installed
	WatchFailed      = "failed"             // a release has failed for good
	WatchTimedOut    = "timed-out"          // it has taken longer than it may
	WatchNothing     = "nothing-reconciles" // nothing was seen to happen; the message says what to check
)

var watchStates = []string{
	WatchWatching, WatchBlind, WatchListed, WatchReconciling, WatchReady, WatchFailed, WatchTimedOut, WatchNothing,
}

// applyWatch keeps on the flow what is said of the whole of a region's cluster. What was
// said earlier stays earlier, what is repeated keeps its first time.
func (l *Ledger) applyWatch(e Event) {
	if e.State == WatchListed {
		l.applyListed(e)
		return
	}
	f := l.graph.Flow()
	region := l.names.Region(e.Region)
	i, found := slices.BinarySearchFunc(f.Watches, region, func(w flow.Watch, r string) int { return strings.Compare(w.Region, r) })
	f.Watches = slices.Clone(f.Watches)
	if !found {
		f.Watches = slices.Insert(f.Watches, i, flow.Watch{Region: region})
	}
	w := &f.Watches[i]
	switch e.State {
	case WatchWatching, WatchBlind:
		w.Sight = tell(w.Sight, e.State, e)
	case WatchReconciling:
		w.Outcome = tell(w.Outcome, "", e)
	default:
		w.Outcome = tell(w.Outcome, e.State, e)
	}
	l.graph.PutFlow(f)
}

func tell(known flow.Told, state string, e Event) flow.Told {
	if e.Time.Before(known.At) {
		return known
	}
	told := flow.Told{State: state, Since: e.Time, At: e.Time, Message: e.Message}
	if known.State == state && !known.At.IsZero() {
		told.Since = known.Since
	}
	return told
}

// applyListed takes out the releases that are not there any more: of that region, and of
// those that a watch has spoken of. What was only planned so far stays. One that is there
// and was taken for deleted is believed again, whatever time is in what it says.
func (l *Ledger) applyListed(e Event) {
	there := map[string]bool{}
	for _, ref := range e.Components {
		id := l.names.Resolve(e.Region, ref)
		there[id] = true
		if c := l.graph.BridgeCursor(id); c.State == StateDeleted && !e.Time.Before(c.ObservedAt) {
			c.State, c.ObservedAt, c.DependsAt = "", time.Time{}, time.Time{}
			l.graph.PutBridgeCursor(c)
		}
	}
	for _, id := range l.graph.JobsOf(flow.SourceBridge) {
		j, _ := l.graph.Job(id)
		heard := !l.graph.BridgeCursor(id).ObservedAt.Before(e.Time) // it came while the list was made
		if j.Namespace != "" && j.Region == l.names.Region(e.Region) && !there[id] && !heard {
			gone := e
			if seen := l.graph.BridgeCursor(id).ObservedAt; !seen.IsZero() {
				gone.AsOf = seen.Add(time.Microsecond) // after that, by the clock which dates what comes next
			}
			l.remove(j, gone, "not in the cluster any more")
		}
	}
}

package bridge_test

import (
	"testing"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// An estimate is news where an end has moved by a twentieth of the whole, while the flow
// runs; it is gone with the flow's end.
func TestEstimatesThatAreNews(t *testing.T) {
	t.Parallel()
	at := func(minute float64) time.Time {
		return time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(minute * float64(time.Minute)))
	}
	g := flow.NewGraph("d1")
	write := func(s flow.Status) {
		j := flow.Job{ID: "d1:a", Name: "a", Type: flow.TypeInstall, Source: flow.SourceBridge, Status: s, StartedAt: at(0)}
		if s.Terminal() {
			j.FinishedAt = at(40)
		}
		g.PutJob(j)
		g.Settle()
	}
	estimated := func(from, to float64) bool {
		l := bridge.NewLedger(g, flow.Deployment{}, at(0))
		bridge.Estimated{Estimate: flow.Estimate{Earliest: at(from), Latest: at(to), Runs: 3}}.Apply(l)
		return l.Changes().Flow != nil
	}
	if estimated(30, 40) {
		t.Error("told of a flow that has not begun")
	}
	write(flow.Running)
	for _, tt := range []struct {
		from, to float64
		news     bool
	}{{30, 40, true}, {30, 40, false}, {31.9, 38.1, false}, {32.1, 40, true}, {32.1, 42.2, true}} {
		if got := estimated(tt.from, tt.to); got != tt.news {
			t.Errorf("from %v to %v: news %v", tt.from, tt.to, got)
		}
	}
	l := bridge.NewLedger(g, flow.Deployment{}, at(0))
	if (bridge.Estimated{}).Apply(l); l.Changes().Flow == nil || g.Flow().Estimate.Known() {
		t.Error("what is no longer known is still told")
	}
	estimated(30, 40)
	write(flow.Succeeded)
	if g.Flow().Estimate.Known() || estimated(30, 40) {
		t.Errorf("it has ended: %+v", g.Flow())
	}
}

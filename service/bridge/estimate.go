package bridge

import "github.com/openova-io/provflow/service/flow"

// Estimated says when a running flow is now expected to end. One that says about the same
// as before changes nothing, and so does one of a flow that does not run.
type Estimated struct{ flow.Estimate }

// Apply implements Observation.
func (e Estimated) Apply(l *Ledger) {
	f := l.graph.Flow()
	if f.Status != flow.Running || f.Estimate.Near(e.Estimate, f.StartedAt) {
		return
	}
	f.Estimate = e.Estimate
	l.graph.PutFlow(f)
}

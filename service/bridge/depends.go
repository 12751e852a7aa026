package bridge

import (
	"slices"

	"github.com/openova-io/provflow/service/flow"
)

// applyDependsOn brings a job's dependencies in line with an event that speaks of
// them, unless a later one did already. An empty list clears them; what an emitter said of
// the job is the emitter's.
func (l *Ledger) applyDependsOn(c *flow.BridgeCursor, j flow.Job, e Event) {
	if e.DependsOn == nil || e.asOf().Before(c.DependsAt) {
		return
	}
	c.DependsAt = e.asOf()
	wanted := l.resolveAll(e)
	for _, id := range l.graph.Dependencies(j.ID) {
		if l.depends(j.ID, id) && !slices.Contains(wanted, id) {
			l.graph.Unrelate(flow.RelationshipKey{FromID: id, ToID: j.ID, Type: flow.FinishToStart})
		}
	}
	for _, id := range wanted {
		if l.depends(j.ID, id) {
			continue
		}
		if why := l.refusal(j, e, id); why != "" {
			l.note(j, j.Status, e, "dependency on "+id+" refused: "+why)
			continue
		}
		l.follow(id, j.ID)
	}
}

// depends reports that the bridge has said that a job waits for another.
func (l *Ledger) depends(jobID, on string) bool {
	r, known := l.graph.Relationship(flow.RelationshipKey{FromID: on, ToID: jobID, Type: flow.FinishToStart})
	return known && r.Local() && r.Source == flow.SourceBridge
}

// resolveAll gives the full ids of an event's dependencies, each once.
func (l *Ledger) resolveAll(e Event) []string {
	var ids []string
	for _, ref := range e.DependsOn {
		if id := l.resolve(e, ref); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// resolve gives the full id of a dependency: of a resource it is another one of its step.
func (l *Ledger) resolve(e Event, ref string) string {
	if e.Phase == phaseResource {
		return l.names.Resource(e.Step, ref)
	}
	return l.names.Resolve(e.Region, flow.Beside(e.Namespace, ref))
}

// refusal says why a job must not depend on another; "" when it may.
func (l *Ledger) refusal(j flow.Job, e Event, on string) string {
	switch {
	case on == j.ID:
		return "a job cannot wait for itself"
	case flow.CheckID("dependsOn", on) != nil:
		return "its id is too long"
	case !l.names.SameRegion(e.Region, on):
		return "it is in another region"
	case l.graph.Reaches(j.ID, on, flow.FinishToStart):
		return "it would close a cycle"
	}
	return ""
}

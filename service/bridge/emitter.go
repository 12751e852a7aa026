package bridge

import (
	"cmp"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Apply implements Observation: what an emitter says becomes the flow's state. It never
// takes away what the bridge or another emitter wrote, and what the bridge derives of its
// own jobs (status, times) stands.
func (m Message) Apply(l *Ledger) {
	if m.Type == flow.TypeSnapshot {
		l.removeUnsaid(m)
	}
	if m.Flow != nil {
		l.putFlow(*m.Flow)
	}
	for _, n := range m.Nodes {
		l.putNode(n, m.Source)
	}
	for _, r := range m.Rels {
		l.putRelationship(r, m.Source)
	}
	for _, id := range m.IDs {
		l.removeNode(id, m.Source)
	}
	for _, k := range m.Pairs {
		l.removeRelationship(k)
	}
}

// putFlow lays what is said over what is known.
func (l *Ledger) putFlow(p FlowPart) {
	f := l.graph.Flow()
	f.DefinitionID = cmp.Or(p.DefinitionID, f.DefinitionID)
	f.ParentFlowID = cmp.Or(p.ParentFlowID, f.ParentFlowID)
	f.TriggeredBy = orKnown(p.TriggeredBy, f.TriggeredBy)
	f.Meta = orKnown(p.Meta, f.Meta)
	f.Declared = f.Declared || p.Status != ""
	if f.Declared && !l.graph.Bridged() {
		f.Status = cmp.Or(p.Status, f.Status)
		f.StartedAt = orKnownTime(p.StartedAt, f.StartedAt)
		f.EndedAt = endedAt(f.Status, p.EndedAt, f.EndedAt)
	}
	l.graph.PutFlow(f)
}

// putNode lays what is said over what is known of a node.
func (l *Ledger) putNode(p NodePart, source string) {
	j, known := l.graph.Job(p.ID)
	if !known {
		j = flow.Job{ID: p.ID, Name: p.ID, Type: flow.TypeInstall, Source: source, Status: flow.Pending}
	}
	old := j
	j.DisplayName = cmp.Or(p.Label, j.DisplayName)
	j.Meta = orKnown(p.Meta, j.Meta)
	if j.Source != flow.SourceBridge {
		j.Family, j.Region = cmp.Or(p.Family, j.Family), cmp.Or(p.Region, j.Region)
	}
	if j.Source != flow.SourceBridge && !l.graph.IsGroup(p.ID) {
		j.Status = cmp.Or(p.Status, j.Status)
		j.StartedAt = orKnownTime(p.StartedAt, j.StartedAt)
		j.FinishedAt = endedAt(j.Status, p.EndedAt, j.FinishedAt)
	}
	l.graph.PutJob(j)
	if !known || old.Status != j.Status {
		l.became(old, j, "said by "+source)
	}
}

// became notes what a job became that somebody gives whole, with the times he gives. One
// that waited and has ended ran in between. What has no new time happened now.
func (l *Ledger) became(old, j flow.Job, cause string) {
	if old.Status == flow.Pending && j.Status.Terminal() && !j.StartedAt.IsZero() {
		ran := j
		ran.Status = flow.Running
		l.note(ran, old.Status, Event{Time: j.StartedAt}, cause)
		old.Status = flow.Running
	}
	at := l.now
	switch {
	case j.Status.Terminal() && !j.FinishedAt.IsZero() && !j.FinishedAt.Equal(old.FinishedAt):
		at = j.FinishedAt
	case j.Status == flow.Running && !j.StartedAt.IsZero() && !j.StartedAt.Equal(old.StartedAt):
		at = j.StartedAt
	}
	l.note(j, old.Status, Event{Time: at}, cause)
}

// putRelationship writes an edge; one that would close a cycle is refused, its jobs are kept.
func (l *Ledger) putRelationship(r flow.Relationship, source string) {
	old, known := l.graph.Relationship(r.RelationshipKey)
	r.Source = source
	if known {
		r.Source = old.Source
	}
	ordered := r.Local() && (r.Type == flow.FinishToStart || r.Type == flow.Contains)
	if ordered && (!known || !old.Local()) && l.graph.Reaches(r.ToID, r.FromID, r.Type) {
		j, _ := l.graph.Job(r.ToID)
		j.ID = r.ToID
		j.Status = cmp.Or(j.Status, flow.Pending)
		l.note(j, j.Status, Event{Time: l.now}, string(r.Type)+" from "+r.FromID+" refused: it would close a cycle")
		return
	}
	l.graph.Relate(r)
}

// removeNode takes out a node that is not the bridge's, and the emitter's edges at it.
func (l *Ledger) removeNode(id, source string) {
	j, known := l.graph.Job(id)
	if !known || j.Source == flow.SourceBridge {
		return
	}
	l.takeOut(j, source)
	at := func(r flow.Relationship) bool {
		return r.FromID == id && r.FromFlowID == "" || r.ToID == id && r.ToFlowID == ""
	}
	for _, r := range l.graph.Relationships(func(r flow.Relationship) bool { return r.Source == source && at(r) }) {
		l.graph.Unrelate(r.RelationshipKey)
	}
}

func (l *Ledger) removeRelationship(k flow.RelationshipKey) {
	if r, known := l.graph.Relationship(k); known && r.Source != flow.SourceBridge {
		l.graph.Unrelate(k)
	}
}

// removeUnsaid takes out what the same emitter once said and a snapshot does not say.
func (l *Ledger) removeUnsaid(m Message) {
	nodes, rels := map[string]bool{}, map[flow.RelationshipKey]bool{}
	for _, n := range m.Nodes {
		nodes[n.ID] = true
	}
	for _, r := range m.Rels {
		rels[r.RelationshipKey] = true
	}
	for _, r := range l.graph.Relationships(func(r flow.Relationship) bool { return r.Source == m.Source && !rels[r.RelationshipKey] }) {
		l.graph.Unrelate(r.RelationshipKey)
	}
	for _, id := range l.graph.JobsOf(m.Source) {
		if j, _ := l.graph.Job(id); !nodes[id] {
			l.takeOut(j, m.Source)
		}
	}
}

func (l *Ledger) takeOut(j flow.Job, source string) {
	l.note(j, j.Status, Event{Time: l.now, State: StateDeleted}, "taken out by "+source)
	l.graph.RemoveJob(j.ID)
}

// endedAt is the end of something with that status: only what has ended has one.
func endedAt(s flow.Status, said, known time.Time) time.Time {
	if !s.Terminal() {
		return time.Time{}
	}
	return orKnownTime(said, known)
}

func orKnown(said, known []byte) []byte {
	if said == nil {
		return known
	}
	return said
}

func orKnownTime(said, known time.Time) time.Time {
	if said.IsZero() {
		return known
	}
	return said
}

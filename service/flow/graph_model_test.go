package flow_test

import (
	"slices"

	"github.com/openova-io/provflow/service/flow"
)

// model is the graph written down naively: every derived value is computed afresh from
// everything, with recursion over plain maps.
type model struct {
	jobs map[string]flow.Job
	rels map[flow.RelationshipKey]flow.Relationship
}

func (m model) visible(k flow.RelationshipKey) bool {
	_, from := m.jobs[k.FromID]
	_, to := m.jobs[k.ToID]
	return from && to
}

func (m model) leaves(group string, seen map[string]bool) (ids []string) {
	if m.jobs[group].Run.Status != "" {
		ids = append(ids, group)
	}
	for k := range m.rels {
		if k.Type != flow.Contains || k.ToID != group || !m.visible(k) || seen[k.FromID] {
			continue
		}
		seen[k.FromID] = true
		if m.jobs[k.FromID].Type == flow.TypeGroup {
			ids = append(ids, m.leaves(k.FromID, seen)...)
		} else {
			ids = append(ids, k.FromID)
		}
	}
	return ids
}

func (m model) status(id string) flow.Status {
	if m.jobs[id].Type != flow.TypeGroup {
		return m.jobs[id].Status
	}
	return m.tally(m.leaves(id, map[string]bool{})).Group()
}

func (m model) tally(ids []string) (t flow.Tally) {
	for _, id := range ids {
		switch j := m.jobs[id]; {
		case j.Run.Status != "":
			t.Add(j.Run.Status, j.Run.StartedAt, j.Run.FinishedAt)
		case j.Status != flow.Pending || j.State != flow.StateCancelled:
			t.Add(j.Status, j.StartedAt, j.FinishedAt)
		}
	}
	return t
}

func (m model) waiting(id string) []string {
	if m.status(id) != flow.Pending {
		return nil
	}
	var ids []string
	for k := range m.rels {
		if k.Type == flow.FinishToStart && k.ToID == id && m.visible(k) && m.status(k.FromID) != flow.Succeeded {
			ids = append(ids, k.FromID)
		}
	}
	slices.Sort(ids)
	return ids
}

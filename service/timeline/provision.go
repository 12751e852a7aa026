package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// provisionOf adds a timeline up to the flow's row.
func provisionOf(in Input, t Timeline, now time.Time) Provision {
	p := Provision{
		FlowID: in.Flow.ID, Epoch: in.Epoch, DefinitionID: in.Flow.DefinitionID, Provider: in.Provider, Regions: in.Regions,
		Outcome: in.Flow.Status, StartedAt: in.Flow.StartedAt, EndedAt: in.Flow.EndedAt,
		ProvisionedAt: provisionedAt(in.Flow.EndedAt, t.Rows), PhaseTook: map[string]time.Duration{},
		Jobs: tally(in.Jobs), FirstFailure: firstFailure(t.Rows),
	}
	if !p.StartedAt.IsZero() {
		p.Took = max(cmp.Or(p.ProvisionedAt, now).Sub(p.StartedAt), 0)
	}
	for _, ph := range t.Phases {
		if !ph.StartedAt.IsZero() {
			p.PhaseTook[ph.Name] = ph.Took
		}
	}
	for _, r := range t.Rows {
		if r.Attempt > 0 {
			p.Attempts++
		}
		if r.Attempt > 1 && !r.Later {
			p.Retries++
		}
	}
	path := CriticalPath(t.Rows)
	p.HasPath, p.PathRan, p.PathIdle = len(path.Rows) > 0, path.Ran, path.Idle
	return p
}

// provisionedAt: a job is done with when it has succeeded once or has ended. Where nothing
// is Later that is the flow's own end.
func provisionedAt(ended time.Time, rows []Row) time.Time {
	if !slices.ContainsFunc(rows, func(r Row) bool { return r.Later }) {
		return ended
	}
	open, last := map[string]bool{}, time.Time{}
	succeeded := map[string]bool{}
	for _, r := range rows {
		if r.Later {
			continue
		}
		succeeded[r.JobID] = succeeded[r.JobID] || r.Status == flow.Succeeded
		open[r.JobID] = open[r.JobID] || !r.Status.Terminal()
		last = later(last, r.EndedAt)
	}
	for id, running := range open {
		if running && !succeeded[id] {
			return time.Time{}
		}
	}
	return last
}

func tally(jobs []flow.Job) (t Tally) {
	for _, j := range jobs {
		if own, counts := j.Own(); counts {
			t.Add(own.Status)
		}
	}
	return t
}

func firstFailure(rows []Row) Failure {
	var first *Row
	for _, r := range rows {
		if r.Status != flow.Failed || r.EndedAt.IsZero() {
			continue
		}
		if first == nil || cmp.Or(r.EndedAt.Compare(first.EndedAt), cmp.Compare(r.Position, first.Position), cmp.Compare(r.Attempt, first.Attempt)) < 0 {
			first = &r
		}
	}
	if first == nil {
		return Failure{}
	}
	return Failure{JobID: first.JobID, Attempt: first.Attempt, At: first.EndedAt}
}

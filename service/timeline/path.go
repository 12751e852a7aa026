package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// CriticalPath gives the rows on the path, in its order.
func CriticalPath(rows []Row) Path {
	var p Path
	for _, r := range rows {
		if r.PathStep > 0 {
			p.Rows = append(p.Rows, r)
			p.Ran += r.PathRan
			p.Idle += r.PathIdle
		}
	}
	slices.SortFunc(p.Rows, func(a, b Row) int { return cmp.Compare(a.PathStep, b.PathStep) })
	return p
}

// Phases gives the phases of what is not Later, in order of beginning, those that have
// not begun last.
func Phases(rows []Row) []Phase {
	by := map[string]*gathering{}
	for _, r := range rows {
		if r.Later {
			continue
		}
		g := by[r.Phase]
		if g == nil {
			g = &gathering{jobs: map[string]bool{}}
			by[r.Phase] = g
		}
		g.add(r)
	}
	phases := make([]Phase, 0, len(by))
	for name, g := range by {
		phases = append(phases, g.phase(name))
	}
	slices.SortFunc(phases, func(a, b Phase) int {
		return cmp.Or(lastZero(a.StartedAt, b.StartedAt), cmp.Compare(a.Name, b.Name))
	})
	return phases
}

// gathering is a phase while its rows are added up.
type gathering struct {
	started, ended, until time.Time
	open                  bool // something in it has not ended
	jobs                  map[string]bool
	failed                int
}

func (g *gathering) add(r Row) {
	g.jobs[r.JobID] = true
	g.open = g.open || !r.Status.Terminal()
	if r.Status == flow.Failed {
		g.failed++
	}
	if order(&r) == 0 {
		g.started, g.until = earliest(g.started, r.StartedAt), later(g.until, r.Until)
	}
	g.ended = later(g.ended, r.EndedAt)
}

func (g *gathering) phase(name string) Phase {
	p := Phase{Name: name, StartedAt: g.started, Jobs: len(g.jobs), Failed: g.failed}
	if !g.open {
		p.EndedAt = g.ended
	}
	p.Took = g.until.Sub(g.started)
	return p
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// lastZero orders times, the zero one last.
func lastZero(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		return cmp.Compare(b.Unix(), a.Unix())
	}
	return a.Compare(b)
}

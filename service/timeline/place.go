package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// place is a job or group, what contains it and what it comes after.
type place struct {
	job    flow.Job
	order  int // of appearance
	in     []*place
	before []edge

	// Of a job that counts: itself and all it is in, and all that those come after.
	within []*place
	after  []*place

	last  *Row      // of what has begun in it up to now, what ended last
	limit time.Time // how late what is in it may end without harm; zero: nothing says
}

type edge struct {
	from      *place
	satisfied bool
}

// places lays out a flow's jobs.
func places(in Input) map[string]*place {
	all := make(map[string]*place, len(in.Jobs))
	for i, j := range in.Jobs {
		all[j.ID] = &place{job: j, order: i}
	}
	for _, r := range in.Relationships {
		from, to := all[r.FromID], all[r.ToID]
		if from == nil || to == nil || !r.Visible || !r.Local() {
			continue
		}
		switch r.Type {
		case flow.Contains:
			from.in = append(from.in, to)
		case flow.FinishToStart:
			to.before = append(to.before, edge{from, r.SatisfiedBy(from.job.Status)})
		}
	}
	for _, p := range all {
		slices.SortFunc(p.in, func(a, b *place) int { return cmp.Compare(a.order, b.order) })
		if _, counts := p.job.Own(); counts {
			p.surround()
		}
	}
	return all
}

// surround finds what the job is in and what it comes after, each once.
func (p *place) surround() {
	seen := map[*place]bool{p: true}
	p.within = []*place{p}
	for i := 0; i < len(p.within); i++ {
		for _, g := range p.within[i].in {
			if !seen[g] {
				seen[g] = true
				p.within = append(p.within, g)
			}
		}
	}
	met := map[*place]bool{}
	for _, w := range p.within {
		for _, e := range w.before {
			if !met[e.from] {
				met[e.from] = true
				p.after = append(p.after, e.from)
			}
		}
	}
}

// group is the id of the group that the job is directly in.
func (p *place) group() string {
	if len(p.in) == 0 {
		return ""
	}
	return p.in[0].job.ID
}

// phase is the name of the outermost group.
func (p *place) phase() string {
	var first *place
	for _, g := range p.within[1:] {
		if len(g.in) == 0 && (first == nil || g.order < first.order) {
			first = g
		}
	}
	if first == nil {
		return ""
	}
	return first.job.Name
}

// waitingOn names what still holds the job up.
func (p *place) waitingOn() []string {
	var ids []string
	for _, w := range p.within {
		for _, e := range w.before {
			if !e.satisfied {
				ids = append(ids, e.from.job.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

package gantt

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Above so many lanes in all, bands of more than foldBand lanes are folded to at most
// foldKeep of them.
const (
	foldAbove = 100
	foldBand  = 16
	foldKeep  = 12
)

// chart is what is drawn, by whatever means.
type chart struct {
	timeline.Provision
	from, to time.Time // what the axis spans
	now      time.Time
	bands    []band
	lanes    int
	path     timeline.Path
	later    int // attempts that are no part of the provision and not drawn
}

// band is the lanes of one phase in one region.
type band struct {
	label  string
	lanes  []lane // those that are drawn, in order of beginning
	others []lane // those that are drawn together
	tally  timeline.Tally
	from   time.Time // first beginning; zero: nothing has begun
	to     time.Time
}

// lane is one job.
type lane struct {
	label    string
	attempts []timeline.Row // in order; one that has not begun is the only one
	critical bool
	ran      time.Duration // of all attempts
}

// layOut arranges a timeline as of a moment.
func layOut(t timeline.Timeline, now time.Time) chart {
	c := chart{Provision: t.Provision, now: now, path: timeline.CriticalPath(t.Rows)}
	byBand := map[string]int{}
	for _, job := range gather(t.Rows, &c) {
		key := job.attempts[0].Phase + "\x00" + job.attempts[0].Region
		i, known := byBand[key]
		if !known {
			i = len(c.bands)
			byBand[key] = i
			c.bands = append(c.bands, band{label: bandLabel(job.attempts[0])})
		}
		c.bands[i].add(job, now)
	}
	c.span(now)
	for i := range c.bands {
		if c.lanes > foldAbove && len(c.bands[i].lanes) > foldBand {
			c.bands[i].fold()
		}
	}
	return c
}

// gather puts the attempts at each job together, in the order of the first of them.
func gather(rows []timeline.Row, c *chart) []lane {
	byJob := map[string]int{}
	var lanes []lane
	for _, r := range rows {
		if r.Later {
			c.later++
			continue
		}
		r.Critical = r.PathStep > 0 // of those without slack, while much runs, there are many
		i, known := byJob[r.JobID]
		if !known {
			i = len(lanes)
			byJob[r.JobID] = i
			lanes = append(lanes, lane{label: cmp.Or(r.Label, r.Name, r.JobID)})
		}
		l := &lanes[i]
		l.attempts = append(l.attempts, r)
		l.critical = l.critical || r.Critical
		l.ran += r.Ran
	}
	c.lanes = len(lanes)
	return lanes
}

func bandLabel(r timeline.Row) string {
	label := flow.Label(r.Phase)
	if label == "" {
		label = "Jobs in no group"
	}
	if r.Region != "" {
		label += " · " + r.Region
	}
	return label
}

func (b *band) add(l lane, now time.Time) {
	b.lanes = append(b.lanes, l)
	b.tally.Add(l.last().Status)
	for _, r := range l.attempts {
		if r.StartedAt.IsZero() {
			continue
		}
		if b.from.IsZero() || r.StartedAt.Before(b.from) {
			b.from = r.StartedAt
		}
		if end := endOf(r, now); end.After(b.to) {
			b.to = end
		}
	}
}

func (l lane) last() timeline.Row { return l.attempts[len(l.attempts)-1] }

// rank says how much a lane has to say; the more the sooner it is drawn by itself.
func (l lane) rank() int {
	last := l.last()
	switch {
	case l.critical:
		return 4
	case last.Status == flow.Failed:
		return 3
	case len(l.attempts) > 1:
		return 2
	case last.Status == flow.Running:
		return 1
	}
	return 0
}

// fold keeps the lanes with most to say, the longest among equals, in their order.
func (b *band) fold() {
	byRank := slices.Clone(b.lanes)
	slices.SortStableFunc(byRank, func(x, y lane) int {
		return cmp.Or(y.rank()-x.rank(), cmp.Compare(y.ran, x.ran))
	})
	kept := map[string]bool{}
	for _, l := range byRank[:foldKeep] {
		kept[l.attempts[0].JobID] = true
	}
	var drawn []lane
	for _, l := range b.lanes {
		if kept[l.attempts[0].JobID] {
			drawn = append(drawn, l)
		} else {
			b.others = append(b.others, l)
		}
	}
	b.lanes = drawn
}

// span sets the axis: the whole provision, up to now while it goes on. It is never empty.
func (c *chart) span(now time.Time) {
	c.from, c.to = c.StartedAt, c.ProvisionedAt
	for _, b := range c.bands {
		if c.from.IsZero() || !b.from.IsZero() && b.from.Before(c.from) {
			c.from = b.from
		}
		if b.to.After(c.to) {
			c.to = b.to
		}
	}
	if c.running() && now.After(c.to) {
		c.to = now
	}
	if least := c.from.Add(time.Second); c.to.Before(least) {
		c.to = least
	}
}

// running reports a provision that goes on.
func (c chart) running() bool { return !c.StartedAt.IsZero() && c.ProvisionedAt.IsZero() }

// begun reports whether there is anything to draw on an axis.
func (c chart) begun() bool { return !c.from.IsZero() }

// endOf is the end of an attempt, now where it runs; never before its beginning.
func endOf(r timeline.Row, now time.Time) time.Time {
	end := r.EndedAt
	if end.IsZero() {
		end = now
	}
	if end.Before(r.StartedAt) {
		return r.StartedAt
	}
	return end
}

// waitOf is the interval before an attempt in which its job waited; from is zero where
// there is none.
func (c chart) waitOf(r timeline.Row) (from, to time.Time) {
	from, to = r.Wait.From, r.StartedAt
	if to.IsZero() {
		to = c.to
	}
	if !from.IsZero() && from.Before(c.from) {
		from = c.from
	}
	if from.IsZero() || !from.Before(to) {
		return time.Time{}, time.Time{}
	}
	return from, to
}

// loads counts how many of the lanes ran in each of n equal parts of the axis, at most.
func (c chart) loads(lanes []lane, n int) []int {
	loads := make([]int, n)
	for _, l := range lanes {
		for _, r := range l.attempts {
			if r.StartedAt.IsZero() {
				continue
			}
			first, last := int(c.at(r.StartedAt)*float64(n)), int(c.at(endOf(r, c.now))*float64(n))
			for i := max(first, 0); i <= min(last, n-1); i++ {
				loads[i]++
			}
		}
	}
	return loads
}

// at places a moment on the axis, from 0 to 1.
func (c chart) at(t time.Time) float64 {
	return min(max(float64(t.Sub(c.from))/float64(c.to.Sub(c.from)), 0), 1)
}

// steps are the distances between ticks that read well.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// ticks gives at most most moments, counted from the beginning, that divide the axis well.
func (c chart) ticks(most int) []time.Duration {
	span := c.to.Sub(c.from)
	wide := func(step time.Duration) bool { return int(span/step) < most }
	step := steps[len(steps)-1]
	if i := slices.IndexFunc(steps, wide); i >= 0 {
		step = steps[i]
	}
	for !wide(step) {
		step *= 2
	}
	var ticks []time.Duration
	for t := time.Duration(0); t <= span; t += step {
		ticks = append(ticks, t)
	}
	return ticks
}

// clean takes out of a text what moves a cursor or turns the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
			return -1
		}
		return r
	}, s)
}

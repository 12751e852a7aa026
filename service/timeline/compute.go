package timeline

import (
	"cmp"
	"slices"
	"time"
)

// Compute gives a flow's timeline as of now: one pass forward over the attempts in order
// of beginning finds what each of them waited for, and one backward how late it could
// have ended. It is linear in attempts, edges and depth of groups, but for the sorting.
func Compute(in Input, now time.Time) Timeline {
	ran := in.ran()
	now, in.Flow.StartedAt = in.clock(ran, now), in.began(ran)
	p := pass{now: now, places: places(in)}
	byJob := in.attempts(ran, now)
	for _, j := range in.Jobs { // not over the map, so that equal times keep one order
		for _, r := range byJob[j.ID] {
			at := p.places[j.ID]
			r.Group, r.Phase = at.group(), at.phase()
			r.Later = r.Later || r.Phase == dayTwo
			p.rows = append(p.rows, r)
		}
	}
	slices.SortStableFunc(p.rows, inOrder)
	p.forward()
	p.path(in.Flow.StartedAt)
	p.backward()
	t := Timeline{Rows: make([]Row, len(p.rows))}
	for i, r := range p.rows {
		t.Rows[i] = *r
	}
	t.Phases = Phases(t.Rows)
	t.Provision = provisionOf(in, t, now)
	return t
}

// inOrder is the order of the pass: what has both times first.
func inOrder(a, b *Row) int {
	return cmp.Or(
		cmp.Compare(order(a), order(b)),
		lastZero(a.StartedAt, b.StartedAt), lastZero(a.Until, b.Until),
		cmp.Compare(a.Position, b.Position), cmp.Compare(a.Attempt, b.Attempt),
	)
}

func order(r *Row) int {
	if r.Until.IsZero() || r.StartedAt.IsZero() {
		return 1
	}
	return 0
}

// pass is a timeline while it is computed.
type pass struct {
	now    time.Time
	places map[string]*place
	rows   []*Row
	final  *Row // what ended last
	blocks map[*Row]blocking
}

// blocking is an attempt's blocker and when that ended, as the attempt saw it.
type blocking struct {
	by *Row
	at time.Time
}

// takesPart tells what the path can lead through.
func takesPart(r *Row) bool { return !r.Later && r.Attempt > 0 && order(r) == 0 }

func (p *pass) begun(r *Row) time.Time {
	if r.Attempt == 0 {
		return p.now
	}
	return r.StartedAt
}

// forward finds each row's blocker among what has begun before it.
func (p *pass) forward() {
	p.blocks = make(map[*Row]blocking, len(p.rows))
	for _, r := range p.rows {
		at, begun := p.places[r.JobID], p.begun(r)
		r.Wait.From = earliest(r.Wait.From, begun)
		if r.Attempt == 0 {
			r.Wait.On = at.waitingOn()
		}
		if takesPart(r) || r.Attempt == 0 && !r.Later {
			p.look(r, at, begun)
		}
		p.wait(r, begun)
		if takesPart(r) {
			p.enter(r, at)
		}
	}
}

// look finds the blocker, and what the job waited on.
func (p *pass) look(r *Row, at *place, begun time.Time) {
	var b blocking
	for _, before := range append(slices.Clip(at.after), at) {
		if before.last == nil {
			continue
		}
		if r.Attempt > 0 && before != at && before.last.Until.After(r.Wait.From) {
			r.Wait.On = append(r.Wait.On, before.job.ID)
		}
		ended := earliest(before.last.Until, begun)
		if b.by == nil || ended.After(b.at) || ended.Equal(b.at) && inOrder(before.last, b.by) < 0 {
			b = blocking{before.last, ended}
		}
	}
	slices.Sort(r.Wait.On)
	if b.by != nil {
		p.blocks[r] = b
	}
}

// wait divides the time before the beginning. Nothing has ended a wait that goes on.
func (p *pass) wait(r *Row, begun time.Time) {
	b, blocked := p.blocks[r]
	if r.Attempt == 0 && len(r.Wait.On) > 0 {
		b, blocked = blocking{at: begun}, true
		delete(p.blocks, r)
	}
	if begun.IsZero() {
		return
	}
	freed := r.Wait.From
	if blocked {
		freed = later(b.at, r.Wait.From)
	}
	r.Wait.Waited, r.Wait.Blocked, r.Wait.Idle = begun.Sub(r.Wait.From), freed.Sub(r.Wait.From), begun.Sub(freed)
	if b.by != nil {
		r.Wait.Blocker, r.Wait.Attempt = b.by.JobID, b.by.Attempt
	}
}

// enter makes the attempt known to what may come after it.
func (p *pass) enter(r *Row, at *place) {
	for _, w := range at.within {
		if w.last == nil || r.Until.After(w.last.Until) {
			w.last = r
		}
	}
	if p.final == nil || r.Until.After(p.final.Until) {
		p.final = r
	}
}

// path walks back from the end, and numbers what it met in order of time.
func (p *pass) path(start time.Time) {
	var steps []*Row
	for r := p.final; r != nil; r = p.blocks[r].by {
		steps = append(steps, r)
	}
	until := time.Time{}
	for i, r := range steps {
		r.PathStep = len(steps) - i
		if i == 0 {
			until = r.Until
		}
		r.PathRan = until.Sub(r.StartedAt)
		until = p.blocks[r].at
		r.PathIdle = r.StartedAt.Sub(earliest(cmp.Or(until, start), r.StartedAt))
	}
}

// backward finds each attempt's slack from that of what came after it.
func (p *pass) backward() {
	for _, r := range slices.Backward(p.rows) {
		if !takesPart(r) {
			continue
		}
		at, end := p.places[r.JobID], time.Time{}
		for _, w := range at.within {
			end = earliest(end, w.limit)
		}
		end = later(cmp.Or(end, p.final.Until), r.Until)
		r.SlackKnown, r.Slack = true, end.Sub(r.Until)
		r.Critical = r.Slack == 0
		b := p.blocks[r]
		if b.by == nil {
			continue
		}
		for _, before := range append(slices.Clip(at.after), at) {
			before.limit = earliest(before.limit, b.at.Add(r.Slack))
		}
	}
}

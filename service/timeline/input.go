package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// dayTwo is the phase that is no part of a provision.
const dayTwo = flow.GroupMutations

// Input is a flow as of one moment: what its timeline is computed from.
type Input struct {
	Epoch         string
	Version       int64
	Provider      string
	Regions       []string
	Flow          flow.Flow
	Jobs          []flow.Job // in order of appearance
	Relationships []flow.Relationship
	Executions    []flow.Execution
	Known         map[string]time.Time // when each job was first heard of; none: with the flow's start
}

// clock is the moment up to which the flow is looked at. What has ended is looked at as of
// its end, so that an answer does not change with the hour.
func (in Input) clock(ran map[string][]flow.Execution, now time.Time) time.Time {
	if !in.Flow.Status.Terminal() {
		return now
	}
	end := in.Flow.EndedAt
	if end.IsZero() {
		for _, attempts := range ran {
			for _, x := range attempts {
				end = later(end, x.FinishedAt)
			}
		}
	}
	return earliest(now, end)
}

// began is when the provision began: its flow's start, which moves when all that was first is
// done again (an upgrade, a second run of tofu), or the first attempt where that was earlier.
func (in Input) began(ran map[string][]flow.Execution) time.Time {
	began := in.Flow.StartedAt
	for _, attempts := range ran {
		for _, x := range attempts {
			began = earliest(began, x.StartedAt)
		}
	}
	return began
}

// ran gives the attempts of each job that counts, in order.
func (in Input) ran() map[string][]flow.Execution {
	ran := map[string][]flow.Execution{}
	for _, x := range in.Executions {
		ran[x.JobID] = append(ran[x.JobID], x)
	}
	out := map[string][]flow.Execution{}
	for _, j := range in.counted() {
		slices.SortFunc(ran[j.ID], func(a, b flow.Execution) int { return cmp.Compare(a.Attempt, b.Attempt) })
		out[j.ID] = begun(j, ran[j.ID])
	}
	return out
}

// counted gives the jobs that count, with what they did themselves.
func (in Input) counted() []flow.Job {
	var jobs []flow.Job
	for _, j := range in.Jobs {
		if own, counts := j.Own(); counts {
			j.Status, j.StartedAt, j.FinishedAt = own.Status, own.StartedAt, own.FinishedAt
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// attempts gives the rows of each job that counts, up to now.
func (in Input) attempts(ran map[string][]flow.Execution, now time.Time) map[string][]*Row {
	rows := map[string][]*Row{}
	for _, j := range in.counted() {
		rows[j.ID] = in.attemptsOf(j, ran[j.ID], now)
	}
	return rows
}

func (in Input) attemptsOf(j flow.Job, ran []flow.Execution, now time.Time) []*Row {
	var rows []*Row
	for _, x := range ran {
		r := rowOf(j)
		r.Attempt, r.ExecutionID, r.Status, r.StartedAt, r.EndedAt = x.Attempt, x.ID, x.Status, x.StartedAt, x.FinishedAt
		r.Until = untilOf(x, now)
		if !r.Until.IsZero() && !r.StartedAt.IsZero() {
			r.Ran = r.Until.Sub(r.StartedAt)
		}
		in.known(r, rows)
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		r := rowOf(j)
		r.Status = j.Status
		in.known(r, nil)
		rows = append(rows, r)
	}
	return rows
}

// begun gives a job's attempts. A log line may open an execution while its job still
// waits: the attempt begins with the job. A job's own beginning is that of what came after its
// last success: what had ended by then keeps its own. Of a job without executions its source says
// one beginning and one end. Sources' clocks differ: nothing ends before it began.
func begun(j flow.Job, ran []flow.Execution) []flow.Execution {
	if len(ran) == 0 {
		if j.Status == flow.Pending {
			return nil
		}
		ran = []flow.Execution{{Attempt: 1, Status: j.Status, StartedAt: cmp.Or(j.StartedAt, j.FinishedAt), FinishedAt: j.FinishedAt}}
	} else if j.StartedAt.IsZero() {
		return nil
	}
	out := make([]flow.Execution, len(ran))
	for i, x := range ran {
		if x.Attempt >= j.Attempt || x.FinishedAt.IsZero() || x.FinishedAt.After(j.StartedAt) {
			x.StartedAt = later(x.StartedAt, j.StartedAt)
		}
		if !x.FinishedAt.IsZero() {
			x.FinishedAt = later(x.FinishedAt, x.StartedAt)
		}
		out[i] = x
	}
	return out
}

func untilOf(x flow.Execution, now time.Time) time.Time {
	if x.Status != flow.Running {
		return x.FinishedAt
	}
	if x.StartedAt.IsZero() {
		return time.Time{}
	}
	return later(now, x.StartedAt)
}

func rowOf(j flow.Job) *Row {
	return &Row{
		JobID: j.ID, Name: j.Name, Label: j.Label(), Region: j.Region, Component: cmp.Or(j.Chart, j.Name),
		ChartVersion: j.ChartVersion, Position: j.Position,
	}
}

// known says from when the job waited for this attempt, and whether that is an upgrade:
// nobody waited for one before it was wanted.
func (in Input) known(r *Row, earlier []*Row) {
	r.Later = slices.ContainsFunc(earlier, func(e *Row) bool { return e.Status == flow.Succeeded })
	switch {
	case r.Later:
		r.Wait.From = r.StartedAt
	case len(earlier) > 0 && !earlier[len(earlier)-1].EndedAt.IsZero():
		r.Wait.From = earlier[len(earlier)-1].EndedAt
	default:
		r.Wait.From = cmp.Or(in.Known[r.JobID], in.Flow.StartedAt)
	}
}

// earliest ignores what is zero.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

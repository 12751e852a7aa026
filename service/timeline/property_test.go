package timeline_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/timeline"
)

// drawPlan draws jobs that come after earlier ones and begin up to idle minutes after the
// last of those has ended, each within so many minutes. Where no two may end in the same
// minute there is one path.
func drawPlan(t *rapid.T, idle, longest int, same bool) timeline.Input {
	var lines []string
	ends := []int{}
	taken := map[int]bool{}
	for i := range rapid.IntRange(1, 12).Draw(t, "jobs") {
		begin, after := 0, []string{}
		for k := range ends {
			if rapid.IntRange(0, 2).Draw(t, "after") == 0 {
				begin = max(begin, ends[k])
				after = append(after, fmt.Sprintf("j%d>j%d", k, i))
			}
		}
		if len(after) > 0 {
			begin += rapid.IntRange(0, idle).Draw(t, "idle")
		}
		end := begin + rapid.IntRange(1, longest).Draw(t, "takes")
		for taken[end] && !same {
			end++
		}
		taken[end] = true
		ends = append(ends, end)
		lines = append(append(lines, fmt.Sprintf("j%d %d-%d", i, begin, end)), after...)
	}
	return play(lines...)
}

func TestThePathIsAsLongAsTheFlowWhenNothingIsIdle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := timeline.Compute(drawPlan(t, 0, 50, true), minutes(9999)).Provision
		if p.PathRan != p.Took || p.PathIdle != 0 {
			t.Fatalf("the path ran %v and was idle %v of %v", p.PathRan, p.PathIdle, p.Took)
		}
	})
}

func TestThePathAddsUpAndSlackIsZeroExactlyOnIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		got := timeline.Compute(drawPlan(t, 5, 50, false), minutes(9999))
		if p := got.Provision; p.PathRan+p.PathIdle != p.Took {
			t.Fatalf("%v run and %v idle are not %v", p.PathRan, p.PathIdle, p.Took)
		}
		for _, r := range got.Rows {
			if !r.SlackKnown || r.Slack < 0 || (r.Slack == 0) != (r.PathStep > 0) {
				t.Fatalf("%s has slack %v at step %d", r.JobID, r.Slack, r.PathStep)
			}
		}
	})
}

// With ends at the same minute there may be several walks back that decide the end. What
// any of them meets has no slack, nothing else is without, and the path is one of them.
func TestSlackIsZeroExactlyWhereSomeWalkBackLeads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawPlan(t, 2, 3, true)
		rows := timeline.Compute(in, minutes(9999)).Rows
		met := deciding(in, rows)
		for _, r := range rows {
			if (r.Slack == 0) != met[r.JobID] || r.Critical != met[r.JobID] || r.PathStep > 0 && !met[r.JobID] {
				t.Fatalf("%s has slack %v at step %d, met %v", r.JobID, r.Slack, r.PathStep, met[r.JobID])
			}
		}
	})
}

// deciding says what some walk back meets: from each job that ended last to each that ended
// last of those it comes after.
func deciding(in timeline.Input, rows []timeline.Row) map[string]bool {
	before, ended, met := map[string][]string{}, map[string]time.Time{}, map[string]bool{}
	for _, r := range in.Relationships {
		before[r.ToID] = append(before[r.ToID], r.FromID)
	}
	all := []string{}
	for _, r := range rows {
		ended[r.JobID] = r.EndedAt
		all = append(all, r.JobID)
	}
	var walk func(among []string)
	walk = func(among []string) {
		var end time.Time
		for _, id := range among {
			end = latest(end, ended[id])
		}
		for _, id := range among {
			if ended[id].Equal(end) {
				met[id] = true
				walk(before[id])
			}
		}
	}
	walk(all)
	return met
}

// Slack is what it says: a job that ends later by its slack, and all that then begins later
// behind it, leaves the end where it was; one minute more moves it.
func TestSlackIsHowMuchLaterAJobCouldHaveEnded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawPlan(t, 3, rapid.SampledFrom([]int{3, 50}).Draw(t, "longest"), true)
		rows := timeline.Compute(in, minutes(9999)).Rows
		delayed := rapid.SampledFrom(rows).Draw(t, "delayed")
		for _, more := range []time.Duration{0, time.Minute} {
			moved := replay(in, rows, delayed.JobID, delayed.Slack+more)
			if moved != (more > 0) {
				t.Fatalf("%s ends %v later: the end moved: %v", delayed.JobID, delayed.Slack+more, moved)
			}
		}
	})
}

// replay lets one job end later and everything else begin as long after the last of what
// it comes after as it did, and says whether the flow then ends later.
func replay(in timeline.Input, rows []timeline.Row, id string, by time.Duration) bool {
	before := map[string][]string{}
	for _, r := range in.Relationships {
		before[r.ToID] = append(before[r.ToID], r.FromID)
	}
	ended, was, last := map[string]time.Time{}, map[string]time.Time{}, time.Time{}
	var end time.Time
	for _, r := range rows { // in order of beginning, so dependencies come first
		var ready, then time.Time
		for _, b := range before[r.JobID] {
			ready, then = latest(ready, ended[b]), latest(then, was[b])
		}
		shift := time.Duration(0)
		if len(before[r.JobID]) > 0 {
			shift = ready.Sub(then)
		}
		if r.JobID == id {
			shift += by
		}
		was[r.JobID], ended[r.JobID] = r.EndedAt, r.EndedAt.Add(shift)
		last, end = latest(last, r.EndedAt), latest(end, ended[r.JobID])
	}
	return end.After(last)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

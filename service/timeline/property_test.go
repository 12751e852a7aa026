package timeline_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/timeline"
)

// drawPlan draws jobs that come after earlier ones and begin idle minutes after the last
// of those has ended; no two end in the same minute, so there is one path.
func drawPlan(t *rapid.T, idle int) timeline.Input {
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
		end := begin + rapid.IntRange(1, 50).Draw(t, "takes")
		for taken[end] {
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
		p := timeline.Compute(drawPlan(t, 0), minutes(9999)).Provision
		if p.PathRan != p.Took || p.PathIdle != 0 {
			t.Fatalf("the path ran %v and was idle %v of %v", p.PathRan, p.PathIdle, p.Took)
		}
	})
}

func TestThePathAddsUpAndSlackIsZeroExactlyOnIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		got := timeline.Compute(drawPlan(t, 5), minutes(9999))
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

// Slack is what it says: a job that ends later by its slack, and all that then begins later
// behind it, leaves the end where it was; one minute more moves it.
func TestSlackIsHowMuchLaterAJobCouldHaveEnded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawPlan(t, 5)
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

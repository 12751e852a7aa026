package flow

import (
	"slices"
	"testing"
	"time"
)

func TestDurationOfAJob(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	end, now := start.Add(time.Minute), start.Add(time.Hour)
	for name, tt := range map[string]struct {
		job  Job
		want time.Duration
	}{
		"not started":                      {Job{Status: Pending}, 0},
		"running":                          {Job{Status: Running, StartedAt: start}, time.Hour},
		"running on a clock that is ahead": {Job{Status: Running, StartedAt: now.Add(time.Second)}, 0},
		"finished":                         {Job{Status: Failed, StartedAt: start, FinishedAt: end}, time.Minute},
		"finished, nobody said when":       {Job{Status: Succeeded, StartedAt: start}, 0},
		"a failed group that goes on":      {Job{Type: TypeGroup, Status: Failed, StartedAt: start}, time.Hour},
		"a failed group that has ended":    {Job{Type: TypeGroup, Status: Failed, StartedAt: start, FinishedAt: end}, time.Minute},
	} {
		if got := tt.job.Duration(now); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestTheMostLiteralReadingOfAJobsIDComesFirst(t *testing.T) {
	t.Parallel()
	n := Names{Deployment: "d", Primary: "fsn1"}
	for ref, want := range map[string][]string{
		"d:install-x":      {"d:install-x"},
		"x":                {"x", "d:x", "d:install-x"},
		"d:hel1:install-x": {"d:hel1:install-x", "d:d:hel1:install-x", "d:install-hel1:x"},
		"fsn1:install-x":   {"fsn1:install-x", "d:fsn1:install-x", "d:install-x"},
	} {
		rest := n.Candidates(ref)
		for _, id := range want { // others may come between, which no job has
			i := slices.Index(rest, id)
			if i < 0 {
				t.Fatalf("%s: %q is not in this order among %q", ref, id, n.Candidates(ref))
			}
			rest = rest[i+1:]
		}
	}
}

package flow

import "time"

// PlacedJob is a job and what is directly around it.
type PlacedJob struct {
	Job
	ParentID  string   // the group that contains it; of several the first it was put into
	DependsOn []string // ids of the jobs it starts after, those that are not known yet too
	ChildIDs  []string // what it contains, in order of appearance
}

// Duration is how long the job took, or has been running up to now; 0 before its start.
// A group that has failed goes on until the last of its leaves has ended.
func (j Job) Duration(now time.Time) time.Duration {
	end := j.FinishedAt
	if end.IsZero() && (j.Status == Running || j.Type == TypeGroup && j.Status == Failed) {
		end = now
	}
	if j.StartedAt.IsZero() || end.Before(j.StartedAt) {
		return 0
	}
	return end.Sub(j.StartedAt)
}

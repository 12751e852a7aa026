package flow

import "time"

// Status is what a client knows of a job, an execution or a flow.
type Status string

// The four statuses of the wire; every finer state travels in a node's meta.
const (
	Pending   Status = "pending"
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
)

// Terminal reports whether an attempt with this status has ended.
func (s Status) Terminal() bool { return s == Succeeded || s == Failed }

// ParseStatus reads a status; anything unknown is not ok.
func ParseStatus(s string) (Status, bool) {
	switch st := Status(s); st {
	case Pending, Running, Succeeded, Failed:
		return st, true
	}
	return Pending, false
}

// Tally counts the leaves below a group, or all leaves of a flow, and spans
// their times. The zero Tally has no leaves.
type Tally struct {
	Pending, Running, Succeeded, Failed int
	FirstStart, LastFinish              time.Time
}

// Add counts one leaf.
func (t *Tally) Add(s Status, started, finished time.Time) {
	*t.of(s)++
	if !started.IsZero() && (t.FirstStart.IsZero() || started.Before(t.FirstStart)) {
		t.FirstStart = started
	}
	if finished.After(t.LastFinish) {
		t.LastFinish = finished
	}
}

// drop takes a leaf's status out of the count; its times stay.
func (t *Tally) drop(s Status) { *t.of(s)-- }

func (t *Tally) of(s Status) *int {
	switch s {
	case Running:
		return &t.Running
	case Succeeded:
		return &t.Succeeded
	case Failed:
		return &t.Failed
	}
	return &t.Pending
}

// Done reports whether there are leaves and all of them are terminal.
func (t Tally) Done() bool {
	return t.Pending+t.Running == 0 && t.Succeeded+t.Failed > 0
}

// Finish is the time the last leaf ended, once all have; zero before.
func (t Tally) Finish() time.Time {
	if !t.Done() {
		return time.Time{}
	}
	return t.LastFinish
}

// Group is the status of a group with these leaves: any failed → failed; else all
// succeeded → succeeded; else any running, or some done and some not → running;
// else pending.
func (t Tally) Group() Status {
	switch {
	case t.Failed > 0:
		return Failed
	case t.Done():
		return Succeeded
	case t.Running > 0, t.Succeeded > 0:
		return Running
	}
	return Pending
}

// Flow is the status of a flow with these leaves. Unlike a group it does not fail
// before everything in it has ended, since a failed install may yet succeed.
func (t Tally) Flow() Status {
	switch {
	case t.Done() && t.Failed > 0:
		return Failed
	case t.Done():
		return Succeeded
	case t.Running+t.Succeeded+t.Failed > 0:
		return Running
	}
	return Pending
}

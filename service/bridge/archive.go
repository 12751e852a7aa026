package bridge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Restored is one record of an archive on its way back in. See restore.go for what comes of
// it; what the flow's graph derives is derived anew.
type Restored struct{ flow.ArchiveRecord }

// ParseArchiveRecord reads one line of an archive. Its errors are flow.Invalid and name the
// field.
func ParseArchiveRecord(line []byte) (Restored, error) {
	var r Restored
	decoder := json.NewDecoder(bytes.NewReader(line))
	if err := decoder.Decode(&r.ArchiveRecord); err != nil {
		return r, flow.JSONError("invalid-archive", err)
	}
	if r.Kinds() != 1 {
		return r, flow.Invalidf("invalid-archive", "a record has one of provflow, deployment, flow, job, relationship, execution, cursor, transition, line; this has %d", r.Kinds())
	}
	return r, r.check()
}

func (r *Restored) check() error {
	switch {
	case r.Header != nil && r.Header.Format != flow.ArchiveFormat:
		return flow.Invalidf("invalid-archive", "the archive has format %d; this program reads %d", r.Header.Format, flow.ArchiveFormat)
	case r.Job != nil:
		return checkJob(r.Job)
	case r.Relationship != nil:
		return checkRelationship(*r.Relationship)
	case r.Execution != nil:
		return checkExecution(*r.Execution)
	case r.Cursor != nil:
		return checkCursor(*r.Cursor)
	case r.Transition != nil:
		return checkTransition(r.Transition)
	case r.Line != nil:
		return checkLine(r.Line)
	}
	return nil
}

func checkJob(j *flow.Job) error {
	if err := flow.CheckID("job.id", j.ID); err != nil {
		return err
	}
	if err := checkStatus("job.status", j.Status); err != nil {
		return err
	}
	j.Source = cmp.Or(flow.CleanName(j.Source), flow.SourceBridge)
	j.Name, j.Type = cmp.Or(flow.CleanName(j.Name), j.ID), cmp.Or(j.Type, flow.TypeInstall)
	j.Reason, j.DisplayName = flow.CleanText(j.Reason), flow.CleanName(j.DisplayName)
	switch {
	case j.Type != flow.TypeInstall && j.Type != flow.TypeGroup:
		return flow.Invalidf("invalid-archive", "field \"job.type\" %.40q is unknown; use install or group", j.Type)
	case j.Status.Terminal() && j.Type != flow.TypeGroup && j.Source == flow.SourceBridge && j.FinishedAt.IsZero():
		return flow.Invalidf("invalid-archive", "field \"job.finishedAt\" is missing; %.80q has ended", j.ID)
	case !j.Status.Terminal():
		j.FinishedAt = time.Time{}
	}
	return checkRun(j)
}

func checkRun(j *flow.Job) error {
	j.Action = flow.CleanName(j.Action)
	run := j.Run
	_, known := flow.ParseStatus(string(run.Status))
	if run.Status != "" && (!known || j.Type != flow.TypeGroup) || run.Status.Terminal() == run.FinishedAt.IsZero() {
		return flow.Invalidf("invalid-archive", "field \"job.run\" of %.80q: its status and times contradict each other, or it is not a group's", j.ID)
	}
	return nil
}

func checkRelationship(r flow.Relationship) error {
	if !slices.Contains(relationshipTypes, r.Type) || !slices.Contains([]string{"", "on-success", "on-failure", "always"}, r.Condition) || r.FromID == r.ToID {
		return flow.Invalidf("invalid-archive", "relationship from %.80q to %.80q: its type or condition is unknown, or it relates a job to itself", r.FromID, r.ToID)
	}
	if err := flow.CheckID("relationship.fromId", r.FromID); err != nil {
		return err
	}
	return flow.CheckID("relationship.toId", r.ToID)
}

func checkExecution(x flow.Execution) error {
	if err := flow.CheckID("execution.id", x.ID); err != nil {
		return err
	}
	if err := flow.CheckID("execution.jobId", x.JobID); err != nil {
		return err
	}
	_, known := flow.ParseStatus(string(x.Status))
	if !known || x.Status == flow.Pending || x.Attempt < 1 || x.Status.Terminal() == x.FinishedAt.IsZero() ||
		x.StartedAt.IsZero() || !x.FinishedAt.IsZero() && x.FinishedAt.Before(x.StartedAt) {
		return flow.Invalidf("invalid-archive", "execution %.80q: its status, attempt and times contradict each other", x.ID)
	}
	return nil
}

func checkCursor(c flow.BridgeCursor) error {
	if err := flow.CheckID("cursor.jobId", c.JobID); err != nil {
		return err
	}
	if c.Execution.ID == "" {
		return nil
	}
	return checkExecution(c.Execution)
}

func checkTransition(t *flow.Transition) error {
	t.Cause, t.State = flow.CleanText(t.Cause), flow.CleanName(t.State)
	t.Before = min(max(t.Before, 0), math.MaxInt32)
	for _, s := range []flow.Status{t.From, t.To} {
		if err := checkStatus("transition", s); err != nil {
			return err
		}
	}
	if err := checkTimes("transition", t.OccurredAt); err != nil {
		return err
	}
	return flow.CheckID("transition.jobId", t.JobID)
}

// maxLineNumber bounds what a hand-made archive can make of a log's length.
const maxLineNumber = 1 << 40

func checkLine(line *flow.LogLine) error {
	line.Message, line.Level = flow.CleanText(line.Message), flow.CleanName(line.Level)
	if line.Number < 1 || line.Number > maxLineNumber {
		return flow.Invalidf("invalid-archive", "field \"line.number\" is %d; lines count from 1", line.Number)
	}
	return checkTimes("line", line.At)
}

func checkStatus(field string, s flow.Status) error {
	if _, ok := flow.ParseStatus(string(s)); !ok {
		return flow.Invalidf("invalid-archive", "field %q has the unknown status %.40q", field, s)
	}
	return nil
}

func checkTimes(field string, at time.Time) error {
	if at.Before(earliest) {
		return flow.Invalidf("invalid-archive", "field %q has no time, or one before 2000", field)
	}
	return nil
}

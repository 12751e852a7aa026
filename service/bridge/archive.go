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

const slugArchive = "invalid-archive"

// Restored is one record of an archive on its way back in. See restore.go for what comes of
// it; what the flow's graph derives is derived anew.
type Restored struct{ flow.ArchiveRecord }

// ParseArchiveRecord reads one line of an archive. Its errors are flow.Invalid and name the
// field.
func ParseArchiveRecord(line []byte) (Restored, error) {
	r, err := parseArchiveRecord(line)
	if err != nil || !bytes.Contains(line, []byte(`\u0000`)) {
		return r, err
	}
	// Its ids are good. Of its texts the database takes none with a NUL.
	if line, err = flow.CleanJSON(line); err != nil {
		return r, flow.JSONError(slugArchive, err)
	}
	return parseArchiveRecord(line)
}

func parseArchiveRecord(line []byte) (Restored, error) {
	var r Restored
	decoder := json.NewDecoder(bytes.NewReader(line))
	if err := decoder.Decode(&r.ArchiveRecord); err != nil {
		return r, flow.JSONError(slugArchive, err)
	}
	if r.Kinds() != 1 {
		return r, flow.Invalidf(slugArchive, "a record has one of provflow, deployment, flow, job, relationship, execution, cursor, transition, line; this has %d", r.Kinds())
	}
	return r, r.check()
}

func (r *Restored) check() error {
	switch {
	case r.Header != nil && r.Header.Format != flow.ArchiveFormat:
		return flow.Invalidf(slugArchive, "the archive has format %d; this program reads %d", r.Header.Format, flow.ArchiveFormat)
	case r.Flow != nil:
		return checkFlow(*r.Flow)
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

func checkFlow(f flow.Flow) error {
	for _, w := range f.Watches {
		if err := checkTimes(slugArchive, "flow.watches", w.Sight.Since, w.Sight.At, w.Outcome.Since, w.Outcome.At); err != nil {
			return err
		}
	}
	return cmp.Or(checkOther("flow.definitionId", f.DefinitionID), checkOther("flow.parentFlowId", f.ParentFlowID),
		checkTimes(slugArchive, "flow", f.StartedAt, f.EndedAt))
}

// checkOther holds an id that need not be there to what an id is.
func checkOther(field, id string) error {
	if id == "" {
		return nil
	}
	return flow.CheckID(field, id)
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
		return flow.Invalidf(slugArchive, "field \"job.type\" %.40q is unknown; use install or group", j.Type)
	case j.Status.Terminal() && j.Type != flow.TypeGroup && j.Source == flow.SourceBridge && j.FinishedAt.IsZero():
		return flow.Invalidf(slugArchive, "field \"job.finishedAt\" is missing; %.80q has ended", j.ID)
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
		return flow.Invalidf(slugArchive, "field \"job.run\" of %.80q: its status and times contradict each other, or it is not a group's", j.ID)
	}
	return cmp.Or(checkCounts("job", j.Attempt), checkTimes(slugArchive, "job", j.StartedAt, j.FinishedAt, run.StartedAt, run.FinishedAt))
}

func checkRelationship(r flow.Relationship) error {
	if !slices.Contains(relationshipTypes, r.Type) || !slices.Contains(conditions, r.Condition) || r.FromID == r.ToID {
		return flow.Invalidf(slugArchive, "relationship from %.80q to %.80q: its type or condition is unknown, or it relates a job to itself", r.FromID, r.ToID)
	}
	if err := flow.CheckID("relationship.fromId", r.FromID); err != nil {
		return err
	}
	return cmp.Or(flow.CheckID("relationship.toId", r.ToID), flow.CheckKey("relationship", r.FromID, r.ToID),
		checkOther("relationship.fromFlowId", r.FromFlowID), checkOther("relationship.toFlowId", r.ToFlowID),
		checkCounts("relationship", max(r.LagSeconds, -r.LagSeconds)))
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
		return flow.Invalidf(slugArchive, "execution %.80q: its status, attempt and times contradict each other", x.ID)
	}
	return cmp.Or(checkCounts("execution", x.Attempt), checkTimes(slugArchive, "execution", x.StartedAt, x.FinishedAt))
}

func checkCursor(c flow.BridgeCursor) error {
	if err := flow.CheckID("cursor.jobId", c.JobID); err != nil {
		return err
	}
	if err := cmp.Or(checkCounts("cursor", c.Revision, c.BeganAttempt, c.Failures),
		checkTimes(slugArchive, "cursor", c.ObservedAt, c.DependsAt, c.ActiveAt, c.EndedAt, c.Began)); err != nil || c.Execution.ID == "" {
		return err
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
	return cmp.Or(checkTime("transition", t.OccurredAt), flow.CheckID("transition.jobId", t.JobID))
}

// maxLineNumber bounds what a hand-made archive can make of a log's length.
const maxLineNumber = 1 << 40

func checkLine(line *flow.LogLine) error {
	line.Message, line.Level = flow.CleanText(line.Message), flow.CleanName(line.Level)
	if line.Number < 1 || line.Number > maxLineNumber {
		return flow.Invalidf(slugArchive, "field \"line.number\" is %d; lines count from 1", line.Number)
	}
	return checkTime("line", line.At)
}

func checkStatus(field string, s flow.Status) error {
	if _, ok := flow.ParseStatus(string(s)); !ok {
		return flow.Invalidf(slugArchive, "field %q has the unknown status %.40q", field, s)
	}
	return nil
}

// checkTime refuses what has no time.
func checkTime(field string, at time.Time) error {
	if at.IsZero() {
		return flow.Invalidf(slugArchive, "field %q has no time", field)
	}
	return checkTimes(slugArchive, field, at)
}

// latest is the last time that JSON has a form for.
var latest = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// checkTimes refuses times that clients could not be told. None is no mistake.
func checkTimes(slug, field string, times ...time.Time) error {
	for _, at := range times {
		if !at.IsZero() && (at.Before(Earliest) || at.After(latest)) {
			return flow.Invalidf(slug, "%s has the time %s; use one from %s on, up to the year 9999, or none", field, at, Earliest.Format(time.RFC3339))
		}
	}
	return nil
}

// checkCounts refuses what cannot be a count of anything that happened.
func checkCounts(field string, counts ...int) error {
	for _, n := range counts {
		if n < 0 || n > math.MaxInt32 {
			return flow.Invalidf(slugArchive, "%s has the number %d; use one from 0 to %d", field, n, math.MaxInt32)
		}
	}
	return nil
}

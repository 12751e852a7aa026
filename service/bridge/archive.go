package bridge

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Restored is one record of an archive on its way back in. What is there already and has
// ended stays; what the flow's graph derives is derived anew.
type Restored struct{ flow.ArchiveRecord }

// ParseArchiveRecord reads one line of an archive. Its errors are flow.Invalid and name the
// field.
func ParseArchiveRecord(line []byte) (Restored, error) {
	var r Restored
	decoder := json.NewDecoder(bytes.NewReader(line))
	if err := decoder.Decode(&r.ArchiveRecord); err != nil {
		return r, flow.Invalidf("invalid-archive", "not a record of an archive: %v", err)
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
		r.Line.Message, r.Line.Level = flow.CleanText(r.Line.Message), flow.CleanName(r.Line.Level)
		return checkTimes("line", r.Line.At)
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

// Fingerprint recognises the record when the archive is read again. A line is known by
// its place, everything else by its content.
func (r Restored) Fingerprint() (f flow.Fingerprint) {
	var text []byte
	if r.Line != nil {
		text = fmt.Appendf(nil, "line\x00%s\x00%d", r.Line.ExecutionID, r.Line.Number)
	} else {
		text, _ = json.Marshal(r.ArchiveRecord) // it was read from JSON
		text = append([]byte("record\x00"), text...)
	}
	sum := sha256.Sum256(text)
	copy(f[:], sum[:])
	return f
}

// Apply implements Observation. The header and the deployment's record are not the flow's.
func (r Restored) Apply(l *Ledger) {
	switch {
	case r.Flow != nil:
		l.restoreFlow(*r.Flow)
	case r.Job != nil:
		l.restoreJob(*r.Job)
	case r.Relationship != nil:
		l.putRelationship(*r.Relationship, cmp.Or(r.Relationship.Source, flow.SourceBridge))
	case r.Execution != nil:
		l.executions[r.Execution.ID] = inUTC(*r.Execution)
	case r.Cursor != nil:
		l.restoreCursor(*r.Cursor)
	case r.Transition != nil:
		l.transitions = append(l.transitions, *r.Transition)
	case r.Line != nil:
		l.lines = append(l.lines, *r.Line)
	}
}

func (l *Ledger) restoreFlow(f flow.Flow) {
	p := FlowPart{DefinitionID: f.DefinitionID, ParentFlowID: f.ParentFlowID, TriggeredBy: f.TriggeredBy, Meta: f.Meta}
	if f.Declared {
		p.Status, p.StartedAt, p.EndedAt = f.Status, f.StartedAt, f.EndedAt
	}
	l.putFlow(p)
	if len(f.Watches) > 0 {
		known := l.graph.Flow()
		known.Watches = f.Watches
		l.graph.PutFlow(known)
	}
}

// restoreJob puts a whole job, unless the one that is there has ended and this has not, or
// ended later.
func (l *Ledger) restoreJob(j flow.Job) {
	old, known := l.graph.Job(j.ID)
	if known && (old.Type == flow.TypeGroup || old.Status.Terminal() && (!j.Status.Terminal() || old.FinishedAt.After(j.FinishedAt))) {
		return
	}
	j.StartedAt, j.FinishedAt = j.StartedAt.UTC(), j.FinishedAt.UTC()
	l.graph.PutJob(j)
}

func (l *Ledger) restoreCursor(c flow.BridgeCursor) {
	if !c.ObservedAt.IsZero() && c.ObservedAt.Before(l.cursor(c.JobID).ObservedAt) {
		return
	}
	c.ObservedAt, c.DependsAt, c.Began = c.ObservedAt.UTC(), c.DependsAt.UTC(), c.Began.UTC()
	c.Execution = inUTC(c.Execution)
	c.Execution.LineCount = 0 // counted by the store
	l.graph.PutBridgeCursor(c)
}

func inUTC(x flow.Execution) flow.Execution {
	x.StartedAt, x.FinishedAt, x.LineCount = x.StartedAt.UTC(), x.FinishedAt.UTC(), 0
	return x
}

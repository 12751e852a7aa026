package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// archivePage is how many rows are held at once of what may be long.
const archivePage = 2000

// exportsAtOnce bounds the connections that archives take. Each has one for as long as its
// reader takes, who may be slow, and all others need some too.
const exportsAtOnce = 3

// Export gives everything about a flow as of one moment, record by record, the header
// first. It waits while as many others are written as may be. NotFound when there is neither
// a flow nor a deployment's record of that id.
func (s *Store) Export(ctx context.Context, flowID string, emit func(flow.ArchiveRecord) error) error {
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	case <-ctx.Done():
		return mapError(ctx.Err())
	}
	return s.reading(ctx, func(q *dbsqlc.Queries) error {
		x := exporter{ctx: ctx, q: q, flowID: flowID, emit: emit}
		for _, part := range []func() error{x.header, x.deployment, x.state, x.executions, x.transitions} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
}

// exporter writes one archive within one transaction.
type exporter struct {
	ctx    context.Context
	q      *dbsqlc.Queries
	flowID string
	emit   func(flow.ArchiveRecord) error
}

func (x exporter) header() error {
	n, err := x.q.ArchiveCount(x.ctx, x.flowID)
	if err != nil {
		return err
	}
	if n == 0 {
		return flow.NotFoundf("deployment-not-found", "there is no deployment and no flow %q", x.flowID)
	}
	return x.emit(flow.ArchiveRecord{Header: &flow.ArchiveHeader{Format: flow.ArchiveFormat, FlowID: x.flowID, Records: int64(n)}})
}

func (x exporter) deployment() error {
	row, err := x.q.DeploymentGet(x.ctx, x.flowID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	d := deploymentOf(row)
	return x.emit(flow.ArchiveRecord{Deployment: &d})
}

// state writes the live state: the flow, jobs, edges, and what the bridge remembers.
func (x exporter) state() error {
	d, err := readDelta(x.ctx, x.q, x.flowID, flow.NoCursor)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	cursors, said, err := x.cursors()
	if err != nil {
		return err
	}
	records := []flow.ArchiveRecord{{Flow: d.Flow}}
	for i := range d.Jobs {
		records = append(records, flow.ArchiveRecord{Job: &d.Jobs[i]})
	}
	for i, r := range d.Relationships {
		record := flow.ArchiveRecord{Relationship: &d.Relationships[i]}
		if r.Type == flow.FinishToStart {
			record.Said = said[r.ToID]
		}
		records = append(records, record)
	}
	return x.emitAll(append(records, cursors...))
}

// cursors gives the bridge's cursors, and when it was last said what a job depends on.
func (x exporter) cursors() (records []flow.ArchiveRecord, said map[string]time.Time, err error) {
	rows, err := x.q.BridgeCursorListChangedSince(x.ctx, dbsqlc.BridgeCursorListChangedSinceParams{FlowID: x.flowID, Since: all})
	said = map[string]time.Time{}
	for _, r := range rows {
		c := bridgeCursorOf(r)
		records = append(records, flow.ArchiveRecord{Cursor: &c})
		said[c.JobID] = c.DependsAt
	}
	return records, said, err
}

// executions writes each execution and its lines after it.
func (x exporter) executions() error {
	rows, err := x.q.ExecutionListOfFlow(x.ctx, x.flowID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e := executionOf(r)
		if err := x.emit(flow.ArchiveRecord{Execution: &e}); err != nil {
			return err
		}
		if err := x.lines(r); err != nil {
			return err
		}
	}
	return nil
}

func (x exporter) lines(of *dbsqlc.ExecutionListOfFlowRow) error {
	for after := int64(0); ; {
		rows, err := x.q.LogLineListAfter(x.ctx, dbsqlc.LogLineListAfterParams{
			FlowID: x.flowID, ExecutionID: of.ExecutionID, LogDay: of.LogDay, After: after, PageSize: archivePage,
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			line := flow.LogLine{ExecutionID: of.ExecutionID, Number: r.LineNumber, At: instant(r.At), Level: r.Level, Message: r.Message}
			if err := x.emit(flow.ArchiveRecord{Line: &line}); err != nil {
				return err
			}
		}
		after = rows[len(rows)-1].LineNumber
	}
}

func (x exporter) transitions() error {
	for after := int64(0); ; {
		rows, err := x.q.TransitionListAfter(x.ctx, dbsqlc.TransitionListAfterParams{FlowID: x.flowID, After: after, PageSize: archivePage})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			t := flow.Transition{
				JobID: r.JobID, ExecutionID: r.ExecutionID, From: flow.Status(r.FromStatus), To: flow.Status(r.ToStatus),
				State: r.State, OccurredAt: instant(r.OccurredAt), Cause: r.Cause, Before: int(r.Before),
			}
			if err := x.emit(flow.ArchiveRecord{Transition: &t}); err != nil {
				return err
			}
		}
		after = rows[len(rows)-1].Seq
	}
}

func (x exporter) emitAll(records []flow.ArchiveRecord) error {
	for _, r := range records {
		if err := x.emit(r); err != nil {
			return err
		}
	}
	return nil
}

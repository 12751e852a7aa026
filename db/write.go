package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// Record carries out a write in one transaction under the flow's lock and gives the
// cursor at which it is durable. Unavailable says that it may be sent again: its keys make
// sure that it has its effect once, even where a COMMIT went through unheard.
func (s *Store) Record(ctx context.Context, w flow.Write) (flow.Cursor, error) {
	var at flow.Cursor
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		at, err = s.record(ctx, tx, w)
		return err
	})
	return at, mapError(err)
}

func (s *Store) record(ctx context.Context, tx pgx.Tx, w flow.Write) (flow.Cursor, error) {
	q := s.q.WithTx(tx)
	row, err := s.lock(ctx, q, w)
	if err != nil {
		return flow.NoCursor, err
	}
	locked := flow.Cursor{Epoch: row.Epoch, Version: row.Version}
	fresh, err := s.register(ctx, q, w)
	if err != nil {
		return flow.NoCursor, err
	}
	state, err := s.readState(ctx, q, w, row)
	if err != nil {
		return flow.NoCursor, err
	}
	changes := w.Decide(state, fresh)
	if changes.Empty() {
		return locked, nil
	}
	at := locked
	if changes.Moves() {
		at.Version++
	}
	return at, s.write(ctx, tx, w.FlowID, at.Version, changes)
}

// lock takes the flow's row lock, making the row first where there is none.
func (s *Store) lock(ctx context.Context, q *dbsqlc.Queries, w flow.Write) (dbsqlc.FlowLockRow, error) {
	row, err := q.FlowLock(ctx, w.FlowID)
	if err == nil && (row.HasDeployment || !w.Deployment) || err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return row, err
	}
	if err := s.create(ctx, q, w); err != nil {
		return row, err
	}
	return q.FlowLock(ctx, w.FlowID)
}

func (s *Store) create(ctx context.Context, q *dbsqlc.Queries, w flow.Write) error {
	now := stamp(s.now())
	if w.Deployment {
		if err := q.DeploymentEnsure(ctx, dbsqlc.DeploymentEnsureParams{DeploymentID: w.FlowID, Now: now}); err != nil {
			return err
		}
	}
	return q.FlowEnsure(ctx, dbsqlc.FlowEnsureParams{FlowID: w.FlowID, Epoch: newEpoch(), Now: now})
}

// register claims the write's keys and says which of them are new.
func (s *Store) register(ctx context.Context, q *dbsqlc.Queries, w flow.Write) ([]bool, error) {
	if len(w.Keys) == 0 {
		return nil, nil
	}
	var keys [][]byte
	for i := range w.Keys {
		if w.Keys[i] != (flow.Fingerprint{}) {
			keys = append(keys, w.Keys[i][:])
		}
	}
	if len(keys) == 0 {
		return freshOf(w.Keys, nil), nil
	}
	inserted, err := q.KeyInsertNew(ctx, dbsqlc.KeyInsertNewParams{FlowID: w.FlowID, Keys: keys, Now: stamp(s.now())})
	return freshOf(w.Keys, inserted), err
}

// readState reads what the writer does not know yet; nothing, where it wrote last.
func (s *Store) readState(ctx context.Context, q *dbsqlc.Queries, w flow.Write, row dbsqlc.FlowLockRow) (flow.State, error) {
	at := flow.Cursor{Epoch: row.Epoch, Version: row.Version}
	state := flow.State{
		Delta:      flow.Delta{From: w.Known, To: at},
		Deployment: flow.Deployment{ID: w.FlowID, Provider: row.Provider, Regions: row.Regions},
		Now:        s.now(),
	}
	if w.Known == at {
		return state, nil
	}
	var err error
	if state.Delta, err = readDelta(ctx, q, w.FlowID, w.Known); err != nil {
		return state, err
	}
	since := w.Known.Version
	if state.Reset {
		since = all
	}
	cursors, err := q.BridgeCursorListChangedSince(ctx, dbsqlc.BridgeCursorListChangedSinceParams{FlowID: w.FlowID, Since: since})
	for _, c := range cursors {
		state.Cursors = append(state.Cursors, bridgeCursorOf(c))
	}
	return state, err
}

// write sends all statements of a change in one round trip.
func (s *Store) write(ctx context.Context, tx pgx.Tx, flowID string, version int64, c flow.Changes) error {
	p := &pipeline{}
	q := dbsqlc.New(p)
	s.queueState(ctx, q, flowID, version, c)
	s.queueHistory(ctx, q, flowID, version, c)
	return tx.SendBatch(ctx, &p.batch).Close()
}

// queueState queues live state. Errors come when the pipeline is sent.
func (s *Store) queueState(ctx context.Context, q *dbsqlc.Queries, flowID string, version int64, c flow.Changes) {
	if !c.Moves() {
		return
	}
	structure := len(c.RemovedJobs)+len(c.Relationships)+len(c.RemovedRelationships) > 0
	_ = q.FlowAdvance(ctx, dbsqlc.FlowAdvanceParams{FlowID: flowID, Version: version, Structure: structure})
	if len(c.RemovedJobs) > 0 {
		_ = q.JobDeleteAll(ctx, dbsqlc.JobDeleteAllParams{FlowID: flowID, JobIds: c.RemovedJobs, ChangedVersion: version})
	}
	if len(c.RemovedRelationships) > 0 {
		_ = q.RelationshipDeleteAll(ctx, relationshipKeyParams(flowID, version, c.RemovedRelationships))
	}
	if len(c.Jobs) > 0 {
		_ = q.JobPutAll(ctx, jobParams(flowID, version, c.Jobs))
	}
	if len(c.Relationships) > 0 {
		_ = q.RelationshipPutAll(ctx, relationshipParams(flowID, version, c.Relationships))
	}
	if len(c.Executions) > 0 {
		_ = q.ExecutionPutAll(ctx, executionParams(flowID, c.Executions))
	}
	if len(c.Cursors) > 0 {
		_ = q.BridgeCursorPutAll(ctx, bridgeCursorParams(flowID, version, c.Cursors))
	}
	if c.Flow != nil {
		_ = q.FlowPut(ctx, flowParams(flowID, version, *c.Flow))
	}
}

func (s *Store) queueHistory(ctx context.Context, q *dbsqlc.Queries, flowID string, version int64, c flow.Changes) {
	if len(c.Transitions) > 0 {
		p := transitionParams(flowID, version, c.Transitions)
		p.RecordedAt = stamp(s.now())
		_ = q.TransitionInsertAll(ctx, p)
	}
	if len(c.Lines) > 0 {
		_ = q.LogLineAppendAll(ctx, lineParams(flowID, c.Lines))
	}
}

func flowParams(flowID string, version int64, f flow.Flow) dbsqlc.FlowPutParams {
	return dbsqlc.FlowPutParams{
		FlowID: flowID, ChangedVersion: version, DefinitionID: f.DefinitionID, ParentFlowID: f.ParentFlowID,
		TriggeredBy: f.TriggeredBy, Declared: f.Declared, Status: string(f.Status), StartedAt: stamp(f.StartedAt), EndedAt: stamp(f.EndedAt),
		FailedJobs: int32(f.FailedJobs), Meta: f.Meta,
	}
}

// pipeline collects the statements of generated queries that return nothing, to be sent
// in one round trip. It is a DBTX for :exec queries only.
type pipeline struct {
	dbsqlc.DBTX // nil: any other kind of query is a programming error and panics in its first test
	batch       pgx.Batch
}

// Exec queues the statement.
func (p *pipeline) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	p.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

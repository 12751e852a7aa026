package db

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// Record carries out a write in one transaction under the flow's lock and gives the
// cursor at which it is durable. Unavailable says that it may be sent again: its keys make
// sure that it has its effect once, even where a COMMIT went through unheard.
//
// A writer that wrote the flow last needs two round trips: one begins the transaction,
// takes the lock and claims the keys, the other writes and commits.
func (s *Store) Record(ctx context.Context, w flow.Write) (flow.Cursor, error) {
	var at flow.Cursor
	err := s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) (err error) {
		if at, err = s.record(ctx, conn, w); err != nil {
			rollBack(ctx, conn)
		}
		return err
	})
	return at, mapError(err)
}

func (s *Store) record(ctx context.Context, conn *pgxpool.Conn, w flow.Write) (flow.Cursor, error) {
	c, err := s.begin(ctx, conn, w)
	if err != nil {
		return flow.NoCursor, err
	}
	at := flow.Cursor{Epoch: c.row.Epoch, Version: c.row.Version}
	state, err := s.readState(ctx, dbsqlc.New(conn), w, c.row)
	if err != nil {
		return flow.NoCursor, err
	}
	changes := w.Decide(state, c.fresh)
	if changes.Moves() {
		at.Version++
	}
	return at, s.commit(ctx, conn, w.FlowID, at.Version, changes)
}

// claim is the flow's row under lock, where there is one, and which of the keys are new. It
// is not had by a writer whose term is over.
type claim struct {
	row    dbsqlc.FlowLockRow
	exists bool
	fresh  []bool
}

// begin takes the flow's row lock and claims the write's keys. Where the flow's row, or
// its deployment's, is missing it is made.
func (s *Store) begin(ctx context.Context, conn *pgxpool.Conn, w flow.Write) (claim, error) {
	p := &pipeline{}
	p.batch.Queue("BEGIN")
	_, _ = s.claim(ctx, dbsqlc.New(p), w)
	results := conn.SendBatch(ctx, &p.batch)
	var c claim
	_, err := results.Exec()
	if err == nil {
		c, err = s.claim(ctx, dbsqlc.New(answers{results: results}), w)
	}
	if err = cmp.Or(err, results.Close()); err != nil {
		return c, err
	}
	if !c.exists && w.Existing {
		return c, flow.NotFoundf("flow-not-found", "there is no flow %q", w.FlowID)
	}
	if !c.exists || w.Deployment && !c.row.HasDeployment {
		c.row, err = s.create(ctx, dbsqlc.New(conn), w)
	}
	return c, err
}

// claim asks for the lock, then for the keys.
func (s *Store) claim(ctx context.Context, q *dbsqlc.Queries, w flow.Write) (c claim, err error) {
	c.row, err = q.FlowLock(ctx, w.FlowID)
	if c.exists = err == nil; err != nil && !errors.Is(err, pgx.ErrNoRows) && !errors.Is(err, errQueued) {
		return c, err
	}
	if err = holdTerms(ctx, q, w); err != nil {
		return c, err
	}
	c.fresh, err = s.register(ctx, q, w)
	return c, err
}

// create makes the rows that are missing and takes the lock.
func (s *Store) create(ctx context.Context, q *dbsqlc.Queries, w flow.Write) (row dbsqlc.FlowLockRow, err error) {
	now := stamp(s.now())
	if w.Deployment {
		if err := q.DeploymentEnsure(ctx, dbsqlc.DeploymentEnsureParams{DeploymentID: w.FlowID, Now: now}); err != nil {
			return row, err
		}
	}
	if err := q.FlowEnsure(ctx, dbsqlc.FlowEnsureParams{FlowID: w.FlowID, Epoch: newEpoch(), Now: now}); err != nil {
		return row, err
	}
	return q.FlowLock(ctx, w.FlowID)
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
	slices.SortFunc(keys, bytes.Compare) // two who make the same flow wait for each other one way only
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

// commit sends all statements of a change, and the COMMIT, in one round trip.
func (s *Store) commit(ctx context.Context, conn *pgxpool.Conn, flowID string, version int64, c flow.Changes) error {
	p := &pipeline{}
	q := dbsqlc.New(p)
	s.queueState(ctx, q, flowID, version, c)
	s.queueHistory(ctx, q, flowID, version, c)
	p.batch.Queue("COMMIT")
	results := conn.SendBatch(ctx, &p.batch)
	var last pgconn.CommandTag
	var err error
	for range p.batch.Len() {
		if last, err = results.Exec(); err != nil {
			break
		}
	}
	err = cmp.Or(err, results.Close())
	if err == nil && last.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// rollBack ends a transaction that failed. A connection for which that does not work is
// given up by the pool.
func rollBack(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
		_, _ = conn.Exec(ctx, "ROLLBACK")
	}
}

// queueState queues live state. Errors come when the pipeline is sent.
func (s *Store) queueState(ctx context.Context, q *dbsqlc.Queries, flowID string, version int64, c flow.Changes) {
	if !c.Moves() {
		return
	}
	if c.Flow != nil {
		_ = q.FlowPut(ctx, flowParams(flowID, version, *c.Flow))
	} else {
		_ = q.FlowAdvance(ctx, dbsqlc.FlowAdvanceParams{FlowID: flowID, Version: version})
	}
	if len(c.RemovedJobs) > 0 {
		_ = q.JobDeleteAll(ctx, dbsqlc.JobDeleteAllParams{FlowID: flowID, JobIds: c.RemovedJobs, ChangedVersion: version, Now: stamp(s.now())})
	}
	if len(c.RemovedRelationships) > 0 {
		_ = q.RelationshipDeleteAll(ctx, relationshipKeyParams(flowID, version, c.RemovedRelationships, s.now()))
	}
	if len(c.Jobs) > 0 {
		_ = q.JobPutAll(ctx, jobParams(flowID, version, c.Jobs))
	}
	if len(c.Relationships) > 0 {
		_ = q.RelationshipPutAll(ctx, relationshipParams(flowID, version, c.Relationships))
	}
	if len(c.Cursors) > 0 {
		_ = q.BridgeCursorPutAll(ctx, bridgeCursorParams(flowID, version, c.Cursors))
	}
}

func (s *Store) queueHistory(ctx context.Context, q *dbsqlc.Queries, flowID string, version int64, c flow.Changes) {
	if len(c.Heard) > 0 {
		p := bridgeCursorParams(flowID, version, c.Heard)
		_ = q.BridgeCursorHearAll(ctx, dbsqlc.BridgeCursorHearAllParams{FlowID: flowID, JobIds: p.JobIds, ActiveAts: p.ActiveAts, EndedAts: p.EndedAts})
	}
	if len(c.Transitions) > 0 {
		p := transitionParams(flowID, version, c.Transitions)
		p.RecordedAt = stamp(s.now())
		_ = q.TransitionInsertAll(ctx, p)
	}
	if len(c.Executions)+len(c.Spoken) > 0 {
		_ = q.ExecutionPutAll(ctx, executionParams(flowID, append(c.Executions, c.Spoken...), c.Lines))
	}
	s.queueRestored(ctx, q, flowID, version, c.Restored)
}

func flowParams(flowID string, version int64, f flow.Flow) dbsqlc.FlowPutParams {
	return dbsqlc.FlowPutParams{
		FlowID: flowID, Version: version, DefinitionID: f.DefinitionID, ParentFlowID: f.ParentFlowID,
		TriggeredBy: f.TriggeredBy, Declared: f.Declared, Status: string(f.Status), StartedAt: stamp(f.StartedAt), EndedAt: stamp(f.EndedAt),
		FailedJobs: int32(f.FailedJobs), Meta: f.Meta, Watches: watchesJSON(f.Watches),
		EstimateEarliest: stamp(f.Estimate.Earliest), EstimateLatest: stamp(f.Estimate.Latest), EstimateRuns: int32(f.Estimate.Runs),
	}
}

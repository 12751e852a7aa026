package db

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
)

// commit sends all statements of what was decided, and the COMMIT, in one round trip.
func (s *Store) commit(ctx context.Context, conn *pgxpool.Conn, all ...decided) error {
	p := &pipeline{}
	s.queue(ctx, dbsqlc.New(p), all)
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

// queue queues the statements. Errors come when the pipeline is sent. What is removed goes
// first, since it may come back; history out of an archive last, since lines are of executions.
func (s *Store) queue(ctx context.Context, q *dbsqlc.Queries, all []decided) {
	for _, d := range all {
		s.queueFlow(ctx, q, d)
	}
	if p := advanceParams(all); len(p.FlowIds) > 0 {
		_ = q.FlowAdvanceAll(ctx, p)
	}
	if p := flowParams(all); len(p.FlowIds) > 0 {
		_ = q.FlowPutAll(ctx, p)
	}
	if p := jobParams(all); len(p.JobIds) > 0 {
		_ = q.JobPutAll(ctx, p)
	}
	if p := bridgeCursorParams(all); len(p.JobIds) > 0 {
		_ = q.BridgeCursorPutAll(ctx, p)
	}
	if p := heardParams(all); len(p.JobIds) > 0 {
		_ = q.BridgeCursorHearAll(ctx, p)
	}
	if p := transitionParams(all); len(p.JobIds) > 0 {
		p.RecordedAt = stamp(s.now())
		_ = q.TransitionInsertAll(ctx, p)
	}
	if p := executionParams(all); len(p.ExecutionIds) > 0 {
		_ = q.ExecutionPutAll(ctx, p)
	}
	for _, d := range all {
		s.queueRestored(ctx, q, d.flowID, d.at.Version, d.Restored)
	}
}

// queueFlow queues what seldom happens, flow by flow.
func (s *Store) queueFlow(ctx context.Context, q *dbsqlc.Queries, d decided) {
	version := d.at.Version
	if len(d.RemovedJobs) > 0 {
		_ = q.JobDeleteAll(ctx, dbsqlc.JobDeleteAllParams{FlowID: d.flowID, JobIds: d.RemovedJobs, ChangedVersion: version, Now: stamp(s.now())})
	}
	if len(d.RemovedRelationships) > 0 {
		_ = q.RelationshipDeleteAll(ctx, relationshipKeyParams(d.flowID, version, d.RemovedRelationships, s.now()))
	}
	if len(d.Relationships) > 0 {
		_ = q.RelationshipPutAll(ctx, relationshipParams(d.flowID, version, d.Relationships))
	}
}

package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// all is a version below every other: what changed since it is everything.
const all = -1

// readOnce makes several statements see one moment.
var readOnce = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// ChangedSince reads, as of one moment, what changed in a flow since a cursor; the whole
// flow, marked Reset, where the cursor is not a point in its history, or one from which it
// is not known any more what was removed. NotFound when there is no such flow.
func (s *Store) ChangedSince(ctx context.Context, flowID string, since flow.Cursor) (flow.Delta, error) {
	var d flow.Delta
	err := pgx.BeginTxFunc(ctx, s.pool, readOnce, func(tx pgx.Tx) (err error) {
		d, err = readDelta(ctx, s.q.WithTx(tx), flowID, since)
		return err
	})
	return d, mapError(err)
}

// Cursors gives the current cursors of those flows; one that does not exist is left out.
func (s *Store) Cursors(ctx context.Context, flowIDs []string) (map[string]flow.Cursor, error) {
	rows, err := s.q.FlowListCursors(ctx, flowIDs)
	if err != nil {
		return nil, mapError(err)
	}
	cursors := make(map[string]flow.Cursor, len(rows))
	for _, r := range rows {
		cursors[r.FlowID] = flow.Cursor{Epoch: r.Epoch, Version: r.Version}
	}
	return cursors, nil
}

func readDelta(ctx context.Context, q *dbsqlc.Queries, flowID string, since flow.Cursor) (flow.Delta, error) {
	row, err := q.FlowGet(ctx, flowID)
	if err != nil {
		return flow.Delta{}, err
	}
	d := flow.Delta{From: since, To: flow.Cursor{Epoch: row.CursorEpoch, Version: row.Version}}
	version := since.Version
	if since.Epoch != d.To.Epoch || version > d.To.Version || version < row.PrunedVersion {
		d.Reset, version = true, all
	}
	if row.ChangedVersion > version {
		f := flowOf(flowID, row)
		d.Flow = &f
	}
	if version == d.To.Version {
		return d, nil
	}
	if err := readJobs(ctx, q, flowID, version, &d); err != nil {
		return d, err
	}
	if row.StructureVersion <= version {
		return d, nil
	}
	return d, readStructure(ctx, q, flowID, version, &d)
}

func readJobs(ctx context.Context, q *dbsqlc.Queries, flowID string, since int64, d *flow.Delta) error {
	rows, err := q.JobListChangedSince(ctx, dbsqlc.JobListChangedSinceParams{FlowID: flowID, Since: since})
	for _, r := range rows {
		d.Jobs = append(d.Jobs, jobOf(r))
	}
	return err
}

// readStructure reads edges and what was removed; a whole flow needs no removals.
func readStructure(ctx context.Context, q *dbsqlc.Queries, flowID string, since int64, d *flow.Delta) error {
	rels, err := q.RelationshipListChangedSince(ctx, dbsqlc.RelationshipListChangedSinceParams{FlowID: flowID, Since: since})
	if err != nil {
		return err
	}
	for _, r := range rels {
		d.Relationships = append(d.Relationships, relationshipOf(r))
	}
	if d.Reset {
		return nil
	}
	gone, err := q.TombstoneListChangedSince(ctx, dbsqlc.TombstoneListChangedSinceParams{FlowID: flowID, Since: since})
	for _, t := range gone {
		if t.Type == "" {
			d.RemovedJobs = append(d.RemovedJobs, t.FromID)
		} else {
			d.RemovedRelationships = append(d.RemovedRelationships,
				flow.RelationshipKey{FromID: t.FromID, ToID: t.ToID, Type: flow.RelationshipType(t.Type)})
		}
	}
	return err
}

package db

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// all is a version below every other: what changed since it is everything.
const all = -1

// readOnce makes several statements see one moment; beginOnce says the same in SQL.
var readOnce = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

const beginOnce = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// ChangedSince reads, as of one moment, what changed in a flow since a cursor; the whole
// flow, marked Reset, where the cursor is not a point in its history, or one from which it
// is not known any more what was removed. NotFound when there is no such flow.
//
// It is what subscribers wait for, so it takes one round trip: everything is asked for
// before it is known whether the cursor is a point in the flow's history. Where it is not,
// the whole flow is read after that, as of one moment of its own.
func (s *Store) ChangedSince(ctx context.Context, flowID string, since flow.Cursor) (flow.Delta, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var d flow.Delta
	err := s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		r, err := askAtOnce(ctx, conn, flowID, versionOf(since))
		if err == nil && r.resets(since) && r.since != all {
			r, err = askAtOnce(ctx, conn, flowID, all)
		}
		if err == nil {
			d = r.delta(flowID, since)
		}
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

// readDelta is ChangedSince within a transaction of the caller's.
func readDelta(ctx context.Context, q *dbsqlc.Queries, flowID string, since flow.Cursor) (flow.Delta, error) {
	r, err := askDelta(ctx, q, flowID, versionOf(since))
	if err == nil && r.resets(since) && r.since != all {
		r, err = askDelta(ctx, q, flowID, all)
	}
	if err != nil {
		return flow.Delta{}, err
	}
	return r.delta(flowID, since), nil
}

func versionOf(c flow.Cursor) int64 {
	if c == flow.NoCursor {
		return all
	}
	return c.Version
}

// deltaRows is what changed in a flow since a version, if that is one of its history.
type deltaRows struct {
	since int64
	flow  *dbsqlc.FlowGetRow
	jobs  []*dbsqlc.JobListChangedSinceRow
	edges []*dbsqlc.RelationshipListChangedSinceRow
	gone  []*dbsqlc.TombstoneListChangedSinceRow
}

// askAtOnce asks in a transaction of its own and one round trip.
func askAtOnce(ctx context.Context, conn *pgxpool.Conn, flowID string, since int64) (deltaRows, error) {
	p := &pipeline{}
	p.batch.Queue(beginOnce)
	_, _ = askDelta(ctx, dbsqlc.New(p), flowID, since)
	p.batch.Queue("COMMIT")
	results := conn.SendBatch(ctx, &p.batch)
	var r deltaRows
	_, err := results.Exec()
	if err == nil {
		r, err = askDelta(ctx, dbsqlc.New(answers{results: results}), flowID, since)
	}
	if err = cmp.Or(err, results.Close()); err != nil {
		rollBack(ctx, conn)
	}
	return r, err
}

// askDelta goes on over what was only queued (see pipeline).
func askDelta(ctx context.Context, q *dbsqlc.Queries, flowID string, since int64) (r deltaRows, err error) {
	going := func() bool { return err == nil || errors.Is(err, errQueued) }
	r.since = since
	if r.flow, err = q.FlowGet(ctx, flowID); going() {
		r.jobs, err = q.JobListChangedSince(ctx, dbsqlc.JobListChangedSinceParams{FlowID: flowID, Since: since})
	}
	if going() {
		r.edges, err = q.RelationshipListChangedSince(ctx, dbsqlc.RelationshipListChangedSinceParams{FlowID: flowID, Since: since})
	}
	if going() && since != all { // who knows nothing need forget nothing
		r.gone, err = q.TombstoneListChangedSince(ctx, dbsqlc.TombstoneListChangedSinceParams{FlowID: flowID, Since: since})
	}
	return r, err
}

func (r deltaRows) cursor() flow.Cursor {
	return flow.Cursor{Epoch: r.flow.CursorEpoch, Version: r.flow.Version}
}

// resets reports that the changes since the cursor are not known.
func (r deltaRows) resets(since flow.Cursor) bool {
	return since.Epoch != r.flow.CursorEpoch || since.Version > r.flow.Version || since.Version < r.flow.PrunedVersion
}

func (r deltaRows) delta(flowID string, since flow.Cursor) flow.Delta {
	d := flow.Delta{From: since, To: r.cursor(), Reset: r.since == all} // what was removed was not asked for
	if r.flow.ChangedVersion > r.since {
		f := flowOf(flowID, r.flow)
		d.Flow = &f
	}
	d.Jobs = inOrder(r.jobs, jobOf, byAppearance)
	d.Relationships = inOrder(r.edges, relationshipOf, edgesByAppearance)
	for _, t := range r.gone {
		if t.Type == "" {
			d.RemovedJobs = append(d.RemovedJobs, t.FromID)
		} else {
			d.RemovedRelationships = append(d.RemovedRelationships,
				flow.RelationshipKey{FromID: t.FromID, ToID: t.ToID, Type: flow.RelationshipType(t.Type)})
		}
	}
	return d
}

// inOrder takes rows over in an order; of a large flow there are tens of thousands.
func inOrder[R, T any](rows []*R, take func(*R) T, compare func(a, b *R) int) []T {
	slices.SortFunc(rows, compare)
	var list []T // nil where there is nothing
	list = slices.Grow(list, len(rows))
	for _, r := range rows {
		list = append(list, take(r))
	}
	return list
}

// byAppearance is the order in which jobs appeared in their flow.
func byAppearance(a, b *dbsqlc.JobListChangedSinceRow) int {
	return cmp.Compare(a.Position, b.Position)
}

// edgesByAppearance is the same of relationships. Those that are not shown yet may share a place.
func edgesByAppearance(a, b *dbsqlc.RelationshipListChangedSinceRow) int {
	if c := cmp.Compare(a.Position, b.Position); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.FromID, b.FromID), cmp.Compare(a.ToID, b.ToID), cmp.Compare(a.Type, b.Type))
}

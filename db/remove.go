package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
)

// usualPortion bounds the rows of a flow's history that are deleted in one statement, of
// each table: a flow may have millions, and a statement has to end in time.
const usualPortion = 20_000

// DeleteFlow removes a flow and all its history; its deployment's record stays. Deleting
// what is not there is no error. It reports whether there was one.
//
// A long history goes in portions, each in a transaction of its own: where that breaks
// off, the flow is there with what is left, and deleting it again goes on.
func (s *Store) DeleteFlow(ctx context.Context, flowID string) (there bool, err error) {
	err = s.inPortions(ctx, func(q *dbsqlc.Queries) (more bool, err error) {
		there, more, err = s.deletePart(ctx, q, flowID)
		return more, err
	})
	return there, err
}

// DeleteDeployment removes a deployment's record, its flow and all its history, as
// DeleteFlow does. Deleting what is not there is no error.
func (s *Store) DeleteDeployment(ctx context.Context, id string) error {
	return s.inPortions(ctx, func(q *dbsqlc.Queries) (bool, error) {
		if _, more, err := s.deletePart(ctx, q, id); more || err != nil {
			return more, err
		}
		if err := q.DeploymentDelete(ctx, id); err != nil {
			return false, err
		}
		_, more, err := s.deletePart(ctx, q, id) // one that was made while the record was waited for
		return more, err
	})
}

// ExpireFlow removes what is live of one flow that ended before a moment, and its history,
// as DeleteFlow does, and gives its id; "" when there is none. One that somebody else is at
// is left to him.
func (s *Store) ExpireFlow(ctx context.Context, endedBefore time.Time) (id string, err error) {
	err = s.inPortions(ctx, func(q *dbsqlc.Queries) (more bool, err error) {
		id, err = q.FlowLockExpired(ctx, stamp(endedBefore))
		if errors.Is(err, pgx.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return s.removePart(ctx, q, id)
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// inPortions carries out transactions until one says that there is no more to do.
func (s *Store) inPortions(ctx context.Context, portion func(*dbsqlc.Queries) (more bool, err error)) error {
	for more := true; more; {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
			more, err = portion(s.q.WithTx(tx))
			return err
		})
		if err != nil {
			return mapError(err)
		}
	}
	return nil
}

// deletePart waits for a writer of the flow, then removes a part of it, and with the last one
// what is kept of flows of that id, which may be all there is.
func (s *Store) deletePart(ctx context.Context, q *dbsqlc.Queries, flowID string) (there, more bool, err error) {
	_, err = q.FlowLockForDelete(ctx, flowID)
	if there = err == nil; there {
		more, err = s.removePart(ctx, q, flowID)
	}
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !more {
		err = q.FlowFactsDelete(ctx, flowID)
	}
	return there, more, err
}

// removePart removes some of the history of a flow that is locked, or, where no more is left
// than a statement can remove, all of the flow.
func (s *Store) removePart(ctx context.Context, q *dbsqlc.Queries, flowID string) (more bool, err error) {
	n, err := q.FlowHistoryDeleteSome(ctx, dbsqlc.FlowHistoryDeleteSomeParams{FlowID: flowID, PageSize: s.portion})
	if err != nil || n > 0 {
		return n > 0, err
	}
	return false, q.FlowDelete(ctx, flowID)
}

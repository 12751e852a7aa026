package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// Answer gives what the first request with that key was told; nil when there was none.
func (s *Store) Answer(ctx context.Context, flowID string, key flow.Fingerprint) ([]byte, error) {
	answer, err := s.q.AnswerGet(ctx, dbsqlc.AnswerGetParams{FlowID: flowID, Key: key[:]})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return answer, mapError(err)
}

// KeepAnswer remembers what a request with that key was told; the first answer stays.
func (s *Store) KeepAnswer(ctx context.Context, flowID string, key flow.Fingerprint, answer []byte) error {
	return mapError(s.q.AnswerPutFirst(ctx, dbsqlc.AnswerPutFirstParams{
		FlowID: flowID, Key: key[:], Answer: answer, Now: stamp(s.now()),
	}))
}

// DeleteFlow removes a flow and all its history; its deployment's record stays. Deleting
// what is not there is no error. It reports whether there was one.
func (s *Store) DeleteFlow(ctx context.Context, flowID string) (there bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		there, err = deleteFlow(ctx, s.q.WithTx(tx), flowID)
		return err
	})
	return there, mapError(err)
}

// deleteFlow waits for a writer of the flow, then removes it, and what is kept of flows of
// that id, which may be all there is.
func deleteFlow(ctx context.Context, q *dbsqlc.Queries, id string) (there bool, err error) {
	_, err = q.FlowLockForDelete(ctx, id)
	if there = err == nil; there {
		err = q.FlowDelete(ctx, id)
	}
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		err = q.FlowFactsDelete(ctx, id)
	}
	return there, err
}

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

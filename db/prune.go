package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
)

// PruneTombstones forgets at most limit tombstones of what was removed before that time,
// and says how many: when it is limit there may be more. A cursor from before the last
// one forgotten gets the whole flow from then on. A flow that is being written is left for
// the next time.
func (s *Store) PruneTombstones(ctx context.Context, before time.Time, limit int) (int, error) {
	flows, err := s.q.TombstoneListOldFlows(ctx, dbsqlc.TombstoneListOldFlowsParams{Before: stamp(before), PageSize: int32(limit)})
	if err != nil {
		return 0, mapError(err)
	}
	pruned := 0
	for _, id := range flows {
		n, err := s.pruneFlow(ctx, id, before, limit-pruned)
		if pruned += n; err != nil || pruned >= limit {
			return pruned, mapError(err)
		}
	}
	return pruned, nil
}

// pruneFlow takes the flow's lock first, as its writers do.
func (s *Store) pruneFlow(ctx context.Context, flowID string, before time.Time, limit int) (n int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if _, err := q.FlowLockForPrune(ctx, flowID); err != nil {
			return err
		}
		gone, err := q.TombstoneDeleteOld(ctx, dbsqlc.TombstoneDeleteOldParams{FlowID: flowID, Before: stamp(before), PageSize: int32(limit)})
		n = int(gone)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// PruneKeys forgets at most limit keys of writes from before that time, and says how
// many: when it is limit there may be more. A write whose key is forgotten is a new one
// when it is sent again.
func (s *Store) PruneKeys(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.q.KeyDeleteOld(ctx, dbsqlc.KeyDeleteOldParams{Before: stamp(before), PageSize: int32(limit)})
	return int(n), mapError(err)
}

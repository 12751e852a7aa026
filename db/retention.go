package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
)

// linesAtOnce bounds the lines that are deleted in one statement.
const linesAtOnce = 5000

// EnsureLogPartitions makes the partitions for the log lines of executions that begin
// on that day (in UTC) or on one of the days after it, and says how many it made. Lines
// that were kept elsewhere while a partition was missing are moved into it.
func (s *Store) EnsureLogPartitions(ctx context.Context, from time.Time, days int) (made int, err error) {
	for i := range days + 1 {
		isNew, err := s.q.LogPartitionEnsure(ctx, dayOf(from.AddDate(0, 0, i)))
		if err != nil {
			return made, mapError(err)
		}
		if isNew {
			made++
		}
	}
	return made, nil
}

// ExpireLogs removes some of the log lines of executions that began on a day before that
// of a moment: one partition, or some lines that have none. It says how many of either;
// 0 when nothing is left.
func (s *Store) ExpireLogs(ctx context.Context, before time.Time) (int, error) {
	dropped, err := s.q.LogPartitionDropOldestBefore(ctx, dayOf(before))
	if err != nil || dropped != "" {
		return 1, mapError(err)
	}
	n, err := s.q.LogLineDeleteDefaultBefore(ctx, dbsqlc.LogLineDeleteDefaultBeforeParams{Day: dayOf(before), PageSize: linesAtOnce})
	return int(n), mapError(err)
}

// ExpireFlow removes what is live of one flow that ended before a moment, and its history,
// as DeleteFlow does, and gives its id; "" when there is none. One that somebody else is at
// is left to him.
func (s *Store) ExpireFlow(ctx context.Context, endedBefore time.Time) (id string, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if id, err = q.FlowLockExpired(ctx, stamp(endedBefore)); err != nil {
			return err
		}
		return q.FlowDelete(ctx, id)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", mapError(err)
	}
	return id, nil
}

func dayOf(t time.Time) pgtype.Date { return pgtype.Date{Time: t.UTC(), Valid: true} }

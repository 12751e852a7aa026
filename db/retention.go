package db

import (
	"context"
	"time"

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

func dayOf(t time.Time) pgtype.Date { return pgtype.Date{Time: t.UTC(), Valid: true} }

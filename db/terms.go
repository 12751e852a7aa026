package db

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// TakeTerm gives the next term of a watch, which lasts that long unless it is renewed; ok is
// false while somebody else has it. Whether it has run out is told by the database's clock.
func (s *Store) TakeTerm(ctx context.Context, key flow.WatchKey, holder string, lasts time.Duration) (t flow.WatchTerm, ok bool, err error) {
	r, err := s.q.WatchTermTakeIfOver(ctx, dbsqlc.WatchTermTakeIfOverParams{
		FlowID: key.FlowID, Region: key.Region, Holder: holder, Lasts: interval(lasts),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return t, false, nil
	}
	t = flow.WatchTerm{WatchKey: key, Term: r.Term, Since: instant(r.Since), LinesAt: instant(r.LinesAt)}
	return t, err == nil, mapError(err)
}

// RenewTerm makes a term last that long from now on and keeps LinesAt where it has moved
// on. It gives flow.ErrTermOver once somebody else has the watch.
func (s *Store) RenewTerm(ctx context.Context, t flow.WatchTerm, lasts time.Duration) error {
	n, err := s.q.WatchTermRenewIfHeld(ctx, dbsqlc.WatchTermRenewIfHeldParams{
		FlowID: t.FlowID, Region: t.Region, Term: t.Term, LinesAt: stamp(t.LinesAt), Lasts: interval(lasts),
	})
	if err == nil && n == 0 {
		return flow.ErrTermOver
	}
	return mapError(err)
}

// EndTerm gives the watch up, so that the next one need not wait. Of a term that is over it
// does nothing.
func (s *Store) EndTerm(ctx context.Context, t flow.WatchTerm) error {
	return mapError(s.q.WatchTermEndIfHeld(ctx, dbsqlc.WatchTermEndIfHeldParams{
		FlowID: t.FlowID, Region: t.Region, Term: t.Term, LinesAt: stamp(t.LinesAt),
	}))
}

// holdTerms makes sure that a write's terms are held, and stay so until it is committed.
func holdTerms(ctx context.Context, q *dbsqlc.Queries, w flow.Write) error {
	if len(w.Fences) == 0 {
		return nil
	}
	var regions []string
	for _, f := range w.Fences {
		regions = append(regions, f.Region)
	}
	held, err := q.WatchTermListShared(ctx, dbsqlc.WatchTermListSharedParams{FlowID: w.FlowID, Regions: regions})
	if errors.Is(err, errQueued) {
		return nil
	}
	for _, f := range w.Fences {
		same := func(h *dbsqlc.WatchTermListSharedRow) bool { return flow.Fence(*h) == f }
		if err == nil && !slices.ContainsFunc(held, same) {
			err = flow.ErrTermOver
		}
	}
	return err
}

func interval(d time.Duration) pgtype.Interval {
	return pgtype.Interval{Microseconds: d.Microseconds(), Valid: true}
}

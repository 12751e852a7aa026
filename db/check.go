package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// CheckRollUps compares what is stored with every group of a flow to what its leaves
// say, counted afresh by recursive SQL, and describes each difference.
func (s *Store) CheckRollUps(ctx context.Context, flowID string) ([]string, error) {
	groups, err := s.q.GroupListTallies(ctx, flowID)
	if err != nil {
		return nil, mapError(err)
	}
	var differences []string
	for _, g := range groups {
		t := tallyOf(g)
		wrong := flow.Status(g.Status) != t.Group() || !instant(g.StartedAt).Equal(t.FirstStart) || !instant(g.FinishedAt).Equal(t.Finish())
		if wrong {
			differences = append(differences, fmt.Sprintf("%s: stored %s from %s to %s, its leaves say %s from %s to %s", g.JobID,
				g.Status, show(instant(g.StartedAt)), show(instant(g.FinishedAt)), t.Group(), show(t.FirstStart), show(t.Finish())))
		}
	}
	return differences, nil
}

// EachFlow calls do with the id of every flow, in order, until it fails.
func (s *Store) EachFlow(ctx context.Context, do func(flowID string) error) error {
	for after := ""; ; {
		ids, err := s.q.FlowListIDs(ctx, dbsqlc.FlowListIDsParams{After: after, PageSize: 500})
		if err != nil || len(ids) == 0 {
			return mapError(err)
		}
		for _, id := range ids {
			if err := do(id); err != nil {
				return err
			}
		}
		after = ids[len(ids)-1]
	}
}

func tallyOf(g *dbsqlc.GroupListTalliesRow) flow.Tally {
	return flow.Tally{
		Pending: int(g.Pending), Running: int(g.Running), Succeeded: int(g.Succeeded), Failed: int(g.Failed),
		FirstStart: finite(g.FirstStart), LastFinish: finite(g.LastFinish),
	}
}

// finite reads -infinity, the SQL side's "none", as the zero time.
func finite(t pgtype.Timestamptz) time.Time {
	if t.InfinityModifier != pgtype.Finite {
		return time.Time{}
	}
	return instant(t)
}

func show(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339Nano)
}

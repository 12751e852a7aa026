package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// Part reads a piece of a flow as of one moment. NotFound (job-not-found) when the job
// it is to be around or below does not exist.
func (s *Store) Part(ctx context.Context, flowID string, part flow.Part) (flow.Delta, error) {
	var d flow.Delta
	err := s.reading(ctx, func(q *dbsqlc.Queries) error {
		whole, err := readDelta(ctx, q, flowID, flow.NoCursor)
		if errors.Is(err, pgx.ErrNoRows) {
			return flow.NotFoundf("flow-not-found", "there is no flow %q, or nothing in it yet", flowID)
		}
		if err != nil {
			return err
		}
		ids, err := walkPart(ctx, q, flowID, part)
		d = whole.Only(ids)
		return err
	})
	return d, err
}

// walkPart walks from the first job that may have been meant and exists.
func walkPart(ctx context.Context, q *dbsqlc.Queries, flowID string, part flow.Part) ([]string, error) {
	asked := part.Root + part.Around
	candidates, err := candidatesOf(ctx, q, flowID, asked)
	if err != nil {
		return nil, err
	}
	for _, id := range candidates {
		ids, err := walk(ctx, q, flowID, id, part)
		if err != nil || len(ids) > 0 {
			return ids, err
		}
	}
	return nil, flow.NotFoundf("job-not-found", "the flow has no job %q", asked)
}

func walk(ctx context.Context, q *dbsqlc.Queries, flowID, id string, part flow.Part) (ids []string, err error) {
	if part.Root != "" {
		return q.JobListSubtree(ctx, dbsqlc.JobListSubtreeParams{FlowID: flowID, RootID: id})
	}
	if part.Direction != flow.Downstream {
		ids, err = q.JobListUpstream(ctx, dbsqlc.JobListUpstreamParams{FlowID: flowID, JobID: id})
	}
	if err == nil && part.Direction != flow.Upstream {
		var down []string
		down, err = q.JobListDownstream(ctx, dbsqlc.JobListDownstreamParams{FlowID: flowID, JobID: id})
		ids = append(ids, down...)
	}
	return ids, err
}

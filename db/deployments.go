package db

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// Deployment gives a deployment's record; NotFound when there is none.
func (s *Store) Deployment(ctx context.Context, id string) (flow.Deployment, error) {
	r, err := s.q.DeploymentGet(ctx, id)
	if err != nil {
		return flow.Deployment{}, mapError(err)
	}
	return deploymentOf(r), nil
}

// DeploymentRegions gives the regions of those deployments that are known.
func (s *Store) DeploymentRegions(ctx context.Context, ids []string) (map[string][]string, error) {
	rows, err := s.q.DeploymentListRegions(ctx, ids)
	regions := make(map[string][]string, len(rows))
	for _, r := range rows {
		regions[r.DeploymentID] = r.Regions
	}
	return regions, mapError(err)
}

// DeploymentRecord gives a deployment's record and how its flow stands; NotFound when
// there is none.
func (s *Store) DeploymentRecord(ctx context.Context, id string) (flow.DeploymentRecord, error) {
	return deploymentRecord(ctx, s.q, id)
}

func deploymentRecord(ctx context.Context, q *dbsqlc.Queries, id string) (flow.DeploymentRecord, error) {
	r, err := q.DeploymentGetRecord(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return flow.DeploymentRecord{}, flow.NotFoundf("deployment-not-found", "there is no deployment %q", id)
	}
	return recordOf(r), mapError(err)
}

// DeploymentRecords gives at most limit records, newest first, of those whose ids begin
// with prefix and that come after a place in that order.
func (s *Store) DeploymentRecords(ctx context.Context, prefix string, after flow.DeploymentPlace, limit int) ([]flow.DeploymentRecord, error) {
	p := dbsqlc.DeploymentListRecordsBeforeParams{
		CreatedAt: stamp(after.CreatedAt), DeploymentID: after.ID, Prefix: prefix, PageSize: int32(limit),
	}
	if after == (flow.DeploymentPlace{}) {
		p.CreatedAt = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	rows, err := s.q.DeploymentListRecordsBefore(ctx, p)
	records := make([]flow.DeploymentRecord, len(rows))
	for i, r := range rows {
		records[i] = recordOf((*dbsqlc.DeploymentGetRecordRow)(r))
	}
	return records, mapError(err)
}

// PutDeployment makes or changes a deployment's record and gives it as it is then. It
// makes no flow. Whoever makes the flow at the same moment sees the record, or is seen
// in the answer. Conflict (primary-region) where jobs are here whose ids follow from another
// primary region.
func (s *Store) PutDeployment(ctx context.Context, id string, c flow.DeploymentChange) (put flow.DeploymentRecord, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q, now := s.q.WithTx(tx), stamp(s.now())
		if c.Regions != nil {
			if err := movePrimary(ctx, q, id, c.Primary(), now); err != nil {
				return err
			}
		}
		if err := q.DeploymentPut(ctx, dbsqlc.DeploymentPutParams{
			DeploymentID: id, SovereignFqdn: c.SovereignFQDN, Provider: c.Provider, Regions: c.Regions, Meta: c.Meta, Now: now,
		}); err != nil {
			return err
		}
		put, err = deploymentRecord(ctx, q, id) // before the COMMIT: afterwards it may be gone
		return err
	})
	return put, mapError(err)
}

// movePrimary refuses another primary region where ids have followed from the one before: a
// job would be there twice. The flow is locked before the record, as by who writes a flow that
// has none yet; one that comes meanwhile is locked after it.
func movePrimary(ctx context.Context, q *dbsqlc.Queries, id, primary string, now pgtype.Timestamptz) error {
	if err := lockIfThere(ctx, q, id); err != nil {
		return err
	}
	if err := q.DeploymentEnsure(ctx, dbsqlc.DeploymentEnsureParams{DeploymentID: id, Now: now}); err != nil {
		return err
	}
	known, err := q.DeploymentGet(ctx, id)
	if err != nil {
		return err
	}
	was := flow.Deployment{Regions: known.Regions}.Primary()
	if was == primary {
		return nil
	}
	if err := lockIfThere(ctx, q, id); err != nil {
		return err
	}
	job, err := q.RegionConflictGet(ctx, dbsqlc.RegionConflictGetParams{FlowID: id, PrimaryRegion: primary, Was: was})
	if err == nil && job != "" {
		return flow.Conflictf("primary-region", "the primary region, the first of `regions`, cannot change from %s to %s: jobs' ids follow from it, "+
			"and there are some already, such as %q; leave the first as it is, or delete the flow, change it and send the events again",
			cmp.Or(was, "none"), cmp.Or(primary, "none"), job)
	}
	return err
}

func lockIfThere(ctx context.Context, q *dbsqlc.Queries, flowID string) error {
	if _, err := q.FlowLock(ctx, flowID); !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return nil
}

func deploymentOf(r *dbsqlc.Deployment) flow.Deployment {
	return flow.Deployment{
		ID: r.DeploymentID, SovereignFQDN: r.SovereignFqdn, Provider: r.Provider, Regions: r.Regions,
		Meta: r.Meta, CreatedAt: instant(r.CreatedAt), UpdatedAt: instant(r.UpdatedAt),
	}
}

func recordOf(r *dbsqlc.DeploymentGetRecordRow) flow.DeploymentRecord {
	return flow.DeploymentRecord{
		Deployment: deploymentOf(&r.Deployment), HasFlow: r.HasFlow, Status: flow.Status(r.Status), Version: r.Version,
	}
}

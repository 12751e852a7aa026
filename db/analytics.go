package db

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Provision gives a flow's row; of several lives of the id the latest. NotFound
// (flow-not-found) when there is none.
func (s *Store) Provision(ctx context.Context, flowID string) (timeline.Provision, error) {
	return provision(ctx, s.q, flowID)
}

// Provisions gives one page of the provisions that began in the window, latest first.
// What has not begun is not among them.
func (s *Store) Provisions(ctx context.Context, q timeline.ProvisionQuery) ([]timeline.Provision, error) {
	after := stamp(q.After.StartedAt)
	if q.After == (timeline.Place{}) {
		after = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	rows, err := s.q.ProvisionListBegun(ctx, dbsqlc.ProvisionListBegunParams{
		WindowFrom: stamp(q.From), WindowTo: stamp(q.To), Prefix: q.Prefix, Outcome: string(q.Outcome),
		AfterStartedAt: after, AfterFlowID: q.After.FlowID, AfterEpoch: q.After.Epoch, PageSize: int32(q.Limit),
	})
	var page []timeline.Provision
	for _, r := range rows {
		page = append(page, provisionOf((*dbsqlc.ProvisionGetRow)(r)))
	}
	return page, mapError(err)
}

// Timeline gives a flow's row and its attempts as of one moment, those that have not
// begun last. NotFound when there is no such flow.
func (s *Store) Timeline(ctx context.Context, flowID string) (timeline.Timeline, error) {
	var t timeline.Timeline
	err := s.reading(ctx, func(q *dbsqlc.Queries) (err error) {
		if t.Provision, err = provision(ctx, q, flowID); err != nil {
			return err
		}
		rows, err := q.TimelineList(ctx, flowID)
		for _, r := range rows {
			t.Rows = append(t.Rows, timelineRowOf(r))
		}
		t.Phases = timeline.Phases(t.Rows)
		return err
	})
	return t, err
}

// CriticalPath gives the chain of attempts that decided when the flow ended, or what runs
// longest while it goes on. NotFound when there is no such flow.
func (s *Store) CriticalPath(ctx context.Context, flowID string) (timeline.Path, error) {
	t, err := s.Timeline(ctx, flowID)
	return timeline.CriticalPath(t.Rows), err
}

// ComponentStats gives one page of what components did in the window, by name.
func (s *Store) ComponentStats(ctx context.Context, q timeline.ComponentQuery) ([]timeline.ComponentStats, error) {
	rows, err := s.q.ComponentStatsList(ctx, dbsqlc.ComponentStatsListParams{
		WindowFrom: stamp(q.From), WindowTo: stamp(q.To), Prefix: q.Prefix, Region: q.Region, After: q.After, PageSize: int32(q.Limit),
	})
	var page []timeline.ComponentStats
	for _, r := range rows {
		page = append(page, timeline.ComponentStats{
			Component: r.Component, Runs: int(r.Runs), Flows: int(r.Flows), Failures: int(r.Failures), Retries: int(r.Retries),
			Waited: quantiles(r.WaitedP50Seconds, r.WaitedP90Seconds, r.WaitedP99Seconds),
			Ran:    quantiles(r.RanP50Seconds, r.RanP90Seconds, r.RanP99Seconds),
		})
	}
	return page, mapError(err)
}

// Compare says how flow b differs from flow a. NotFound when one of them is not there.
func (s *Store) Compare(ctx context.Context, a, b string) (timeline.Comparison, error) {
	var c timeline.Comparison
	err := s.reading(ctx, func(q *dbsqlc.Queries) (err error) {
		if c.A, err = provision(ctx, q, a); err != nil {
			return err
		}
		if c.B, err = provision(ctx, q, b); err != nil {
			return err
		}
		rows, err := q.ComparisonList(ctx, dbsqlc.ComparisonListParams{FlowA: a, FlowB: b})
		for _, r := range rows {
			c.Jobs = append(c.Jobs, differenceOf(r))
		}
		return err
	})
	return c, err
}

func provision(ctx context.Context, q *dbsqlc.Queries, flowID string) (timeline.Provision, error) {
	row, err := q.ProvisionGet(ctx, flowID)
	if errors.Is(err, pgx.ErrNoRows) {
		return timeline.Provision{}, noFlow(flowID)
	}
	return provisionOf(row), mapError(err)
}

func noFlow(id string) error {
	return flow.NotFoundf("flow-not-found", "there is no flow %q", id)
}

func provisionOf(r *dbsqlc.ProvisionGetRow) timeline.Provision {
	return timeline.Provision{
		FlowID: r.FlowID, Epoch: r.Epoch, Removed: r.Removed, DefinitionID: r.DefinitionID, Provider: r.Provider, Regions: r.Regions,
		Outcome: flow.Status(r.Outcome), StartedAt: instant(r.StartedAt), EndedAt: instant(r.EndedAt), ProvisionedAt: instant(r.ProvisionedAt),
		Took: seconds(r.DurationSeconds), PhaseTook: phaseTook(r.PhaseSeconds),
		Jobs: timeline.Tally{
			All: int(r.Jobs), Pending: int(r.JobsPending), Running: int(r.JobsRunning), Succeeded: int(r.JobsSucceeded), Failed: int(r.JobsFailed),
		},
		Attempts: int(r.Attempts), Retries: int(r.Retries), HasPath: r.HasPath, PathRan: seconds(r.PathSeconds), PathIdle: seconds(r.PathIdleSeconds),
		FirstFailure: timeline.Failure{JobID: r.FirstFailureJobID, Attempt: int(r.FirstFailureAttempt), At: instant(r.FirstFailedAt)},
	}
}

func phaseTook(raw []byte) map[string]time.Duration {
	var took map[string]float64
	_ = json.Unmarshal(raw, &took) // the database made it
	phases := make(map[string]time.Duration, len(took))
	for name, s := range took {
		phases[name] = seconds(s)
	}
	return phases
}

func timelineRowOf(r *dbsqlc.TimelineListRow) timeline.Row {
	return timeline.Row{
		JobID: r.JobID, Name: r.Name, Label: r.Label, Attempt: int(r.Attempt), ExecutionID: r.ExecutionID, Status: flow.Status(r.Status),
		Group: r.GroupID, Phase: r.Phase, Region: r.Region, Component: r.Component, ChartVersion: r.ChartVersion, Position: r.Position,
		StartedAt: instant(r.StartedAt), EndedAt: instant(r.EndedAt), Until: instant(r.Until), Ran: seconds(r.RanSeconds),
		Wait: timeline.Wait{
			From: instant(r.WaitingFrom), On: r.WaitedOn, Blocker: r.BlockerJobID, Attempt: int(r.BlockerAttempt),
			Waited: seconds(r.WaitedSeconds), Blocked: seconds(r.BlockedSeconds), Idle: seconds(r.IdleSeconds),
		},
		Later: r.Later, Critical: r.Critical, Slack: seconds(max(r.SlackSeconds, 0)), SlackKnown: r.SlackSeconds >= 0,
		PathStep: int(r.PathStep), PathIdle: seconds(r.PathIdleSeconds), PathRan: seconds(r.PathRanSeconds),
	}
}

func differenceOf(r *dbsqlc.ComparisonListRow) timeline.Difference {
	return timeline.Difference{
		Name: r.Name, Change: timeline.Change(r.Change), Path: timeline.PathChange(r.Path), More: seconds(r.MoreSeconds),
		A: timeline.Side{
			JobID: r.JobIDA, Status: flow.Status(r.StatusA), Attempts: int(r.AttemptsA),
			Waited: seconds(r.WaitedASeconds), Ran: seconds(r.RanASeconds), Critical: r.CriticalA,
		},
		B: timeline.Side{
			JobID: r.JobIDB, Status: flow.Status(r.StatusB), Attempts: int(r.AttemptsB),
			Waited: seconds(r.WaitedBSeconds), Ran: seconds(r.RanBSeconds), Critical: r.CriticalB,
		},
	}
}

// quantiles are known where there was something to measure; else each is below zero.
func quantiles(p50, p90, p99 float64) timeline.Quantiles {
	if p50 < 0 {
		return timeline.Quantiles{}
	}
	return timeline.Quantiles{P50: seconds(p50), P90: seconds(p90), P99: seconds(p99), Known: true}
}

// seconds is a duration in microseconds, as the database keeps times.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s*1e6)) * time.Microsecond
}

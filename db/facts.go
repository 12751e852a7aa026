package db

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Uncounted lists flows that have ended and whose timeline is not kept as of now, by id,
// after that one.
func (s *Store) Uncounted(ctx context.Context, after string, limit int) ([]string, error) {
	ids, err := s.q.FlowListUncounted(ctx, dbsqlc.FlowListUncountedParams{After: after, PageSize: int32(limit)})
	return ids, mapError(err)
}

// TimelineInput reads, as of one moment, what a flow's timeline is computed from.
func (s *Store) TimelineInput(ctx context.Context, flowID string) (timeline.Input, error) {
	var in timeline.Input
	err := s.ofFlow(ctx, flowID, func(q *dbsqlc.Queries, now flow.Delta) error {
		life, err := q.FlowGetLife(ctx, flowID)
		if err != nil {
			return err
		}
		in = timeline.Input{
			Epoch: life.Epoch, Version: life.Version, Provider: life.Provider, Regions: life.Regions,
			Flow: *now.Flow, Jobs: now.Jobs, Relationships: now.Relationships, Known: map[string]time.Time{},
		}
		executions, err := q.ExecutionListOfFlow(ctx, flowID)
		if err != nil {
			return err
		}
		for _, x := range executions {
			in.Executions = append(in.Executions, executionOf(x))
		}
		first, err := q.TransitionListFirst(ctx, flowID)
		for _, t := range first {
			in.Known[t.JobID] = instant(t.HappenedAt)
		}
		return err
	})
	return in, err
}

// KeepTimeline stores what was computed of a flow that has ended, in place of what was
// kept of this life of it before. Nothing is stored where the flow is gone, or where
// later facts are there.
func (s *Store) KeepTimeline(ctx context.Context, in timeline.Input, t timeline.Timeline) error {
	rows, err := json.Marshal(attemptFacts(t.Rows))
	if err != nil {
		return err
	}
	return mapError(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q, id, epoch := s.q.WithTx(tx), in.Flow.ID, in.Epoch
		if _, err := q.FlowHoldLife(ctx, dbsqlc.FlowHoldLifeParams{FlowID: id, Epoch: epoch}); errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		if put, err := q.FlowFactsPut(ctx, flowFacts(in, t.Provision, s.now())); put == 0 || err != nil {
			return err
		}
		if err := q.FlowFactsSupersede(ctx, dbsqlc.FlowFactsSupersedeParams{FlowID: id, Epoch: epoch}); err != nil {
			return err
		}
		if err := q.AttemptFactsDelete(ctx, dbsqlc.AttemptFactsDeleteParams{FlowID: id, Epoch: epoch}); err != nil {
			return err
		}
		return q.AttemptFactsInsertAll(ctx, dbsqlc.AttemptFactsInsertAllParams{FlowID: id, Epoch: epoch, Rows: rows})
	}))
}

func flowFacts(in timeline.Input, p timeline.Provision, now time.Time) dbsqlc.FlowFactsPutParams {
	phases := map[string]float64{}
	for name, took := range p.PhaseTook {
		phases[name] = took.Seconds()
	}
	raw, _ := json.Marshal(phases) // numbers by name
	facts := dbsqlc.FlowFactsPutParams{
		FlowID: p.FlowID, Epoch: p.Epoch, Version: in.Version, Now: stamp(now), DefinitionID: p.DefinitionID,
		Provider: p.Provider, Regions: p.Regions, Outcome: string(p.Outcome), StartedAt: stamp(p.StartedAt), EndedAt: stamp(p.EndedAt),
		ProvisionedAt: stamp(p.ProvisionedAt), DurationSeconds: known(p.Took, !p.StartedAt.IsZero()), PhaseSeconds: raw,
		Jobs: int32(p.Jobs.All), JobsPending: int32(p.Jobs.Pending), JobsRunning: int32(p.Jobs.Running),
		JobsSucceeded: int32(p.Jobs.Succeeded), JobsFailed: int32(p.Jobs.Failed), Attempts: int32(p.Attempts), Retries: int32(p.Retries),
		PathSeconds: known(p.PathRan, p.HasPath), PathIdleSeconds: known(p.PathIdle, p.HasPath),
	}
	if p.FirstFailure.JobID != "" {
		attempt := int32(p.FirstFailure.Attempt)
		facts.FirstFailureJobID, facts.FirstFailureAttempt = &p.FirstFailure.JobID, &attempt
		facts.FirstFailedAt = stamp(p.FirstFailure.At)
	}
	return facts
}

// attemptFact is a row of attempt_facts as JSON; nil is NULL.
type attemptFact struct {
	JobID          string     `json:"job_id"`
	Attempt        int        `json:"attempt"`
	Name           string     `json:"name"`
	Label          string     `json:"label"`
	ExecutionID    *string    `json:"execution_id"`
	Status         string     `json:"status"`
	Phase          string     `json:"phase"`
	GroupID        *string    `json:"group_id"`
	Region         string     `json:"region"`
	Component      string     `json:"component"`
	ChartVersion   string     `json:"chart_version"`
	Position       int64      `json:"position"`
	WaitingFrom    *time.Time `json:"waiting_from"`
	WaitedOn       []string   `json:"waited_on"`
	BlockerJobID   *string    `json:"blocker_job_id"`
	BlockerAttempt *int       `json:"blocker_attempt"`
	WaitedSeconds  *float64   `json:"waited_seconds"`
	BlockedSeconds *float64   `json:"blocked_seconds"`
	IdleSeconds    *float64   `json:"idle_seconds"`
	StartedAt      *time.Time `json:"started_at"`
	EndedAt        *time.Time `json:"ended_at"`
	Until          *time.Time `json:"until"`
	RanSeconds     *float64   `json:"ran_seconds"`
	Later          bool       `json:"later"`
	Critical       bool       `json:"critical"`
	SlackSeconds   *float64   `json:"slack_seconds"`
	PathStep       *int       `json:"path_step"`
	PathIdle       *float64   `json:"path_idle_seconds"`
	PathRan        *float64   `json:"path_ran_seconds"`
}

func attemptFacts(rows []timeline.Row) []attemptFact {
	facts := make([]attemptFact, len(rows))
	for i, r := range rows {
		waited := !r.Wait.From.IsZero() && (r.Attempt == 0 || !r.StartedAt.IsZero())
		facts[i] = attemptFact{
			JobID: r.JobID, Attempt: r.Attempt, Name: r.Name, Label: r.Label, ExecutionID: orNull(r.ExecutionID),
			Status: string(r.Status), Phase: r.Phase, GroupID: orNull(r.Group), Region: r.Region, Component: r.Component,
			ChartVersion: r.ChartVersion, Position: r.Position, WaitingFrom: orNull(r.Wait.From), WaitedOn: append([]string{}, r.Wait.On...),
			BlockerJobID: orNull(r.Wait.Blocker), BlockerAttempt: orNull(r.Wait.Attempt), WaitedSeconds: known(r.Wait.Waited, waited),
			BlockedSeconds: known(r.Wait.Blocked, waited), IdleSeconds: known(r.Wait.Idle, waited), StartedAt: orNull(r.StartedAt),
			EndedAt: orNull(r.EndedAt), Until: orNull(r.Until), RanSeconds: known(r.Ran, !r.Until.IsZero() && !r.StartedAt.IsZero()),
			Later: r.Later, Critical: r.Critical, SlackSeconds: known(r.Slack, r.SlackKnown), PathStep: orNull(r.PathStep),
			PathIdle: known(r.PathIdle, r.PathStep > 0), PathRan: known(r.PathRan, r.PathStep > 0),
		}
	}
	return facts
}

func known(d time.Duration, yes bool) *float64 {
	if !yes {
		return nil
	}
	s := d.Seconds()
	return &s
}

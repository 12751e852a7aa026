package db

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Diagnosis says what failed in a flow and what that stops. NotFound when the flow is not
// there, or no longer.
func (s *Store) Diagnosis(ctx context.Context, flowID string) (timeline.Diagnosis, error) {
	var d timeline.Diagnosis
	err := s.ofFlow(ctx, flowID, func(q *dbsqlc.Queries, _ flow.Delta) error {
		rows, err := q.DiagnosisList(ctx, flowID)
		for _, r := range rows {
			if r.Role == "root" {
				d.Roots = append(d.Roots, rootOf(r))
				continue
			}
			d.Stopped = append(d.Stopped, timeline.Stopped{
				JobID: r.JobID, Name: r.Name, Status: flow.Status(r.Status), Roots: r.Roots, Only: r.OnlyByRoots,
			})
		}
		return err
	})
	return d, err
}

func rootOf(r *dbsqlc.DiagnosisListRow) timeline.RootFailure {
	return timeline.RootFailure{
		JobID: r.JobID, Name: r.Name, Component: r.Component, Attempt: int(r.Attempt), ExecutionID: r.ExecutionID,
		FailedAt: instant(r.FailedAt), Reason: r.Reason, Stops: int(r.Stops),
	}
}

// Estimate says what remains of a running flow; nothing is known of one that has ended.
// NotFound when the flow is not there, or no longer.
func (s *Store) Estimate(ctx context.Context, flowID string) (timeline.Estimate, error) {
	e := timeline.Estimate{FlowID: flowID}
	err := s.ofFlow(ctx, flowID, func(q *dbsqlc.Queries, _ flow.Delta) error {
		rows, err := q.EstimateList(ctx, dbsqlc.EstimateListParams{FlowID: flowID, Now: stamp(s.now())})
		for _, r := range rows {
			left := remaining(r.LowSeconds, r.HighSeconds)
			if r.Kind == "flow" {
				e.Runs, e.Flow = int(r.Runs), left
				continue
			}
			e.Jobs = append(e.Jobs, timeline.JobEstimate{JobID: r.JobID, Name: r.Name, Remaining: left})
		}
		return err
	})
	return e, err
}

// remaining is known where both ends are; an end below zero is not.
func remaining(low, high float64) timeline.Remaining {
	if low < 0 || high < 0 {
		return timeline.Remaining{}
	}
	return timeline.Remaining{Low: seconds(low), High: seconds(high), Known: true}
}

// At gives the flow as it was at a moment, as far as its history says; at or after now,
// as it is. NotFound when the flow is not there, or no longer.
func (s *Store) At(ctx context.Context, flowID string, moment time.Time) (timeline.Moment, error) {
	m := timeline.Moment{At: moment}
	err := s.ofFlow(ctx, flowID, func(q *dbsqlc.Queries, now flow.Delta) error {
		clock := s.now()
		rows, err := q.StateListAt(ctx, dbsqlc.StateListAtParams{FlowID: flowID, Moment: stamp(moment), Now: stamp(clock)})
		if err != nil {
			return err
		}
		m.Flow, m.Jobs = stateAt(now, rows)
		if !moment.Before(clock) {
			m.Flow = *now.Flow
		}
		m.Relationships = between(m.Jobs, now.Relationships)
		return nil
	})
	return m, err
}

// stateAt lays a past state over what is known of the jobs now.
func stateAt(now flow.Delta, rows []*dbsqlc.StateListAtRow) (flow.Flow, []flow.Job) {
	f, known := *now.Flow, map[string]flow.Job{}
	for _, j := range now.Jobs {
		known[j.ID] = j
	}
	var jobs []flow.Job
	for _, r := range rows {
		status, started, ended := flow.Status(r.Status), instant(r.StartedAt), instant(r.EndedAt)
		if r.Kind == "flow" {
			f.Status, f.StartedAt, f.EndedAt, f.FailedJobs = status, started, ended, int(r.Failed)
			continue
		}
		j, still := known[r.JobID]
		if !still {
			j = flow.Job{ID: r.JobID, Name: r.Name, Type: flow.TypeInstall, Position: int64(len(known))}
		}
		if j.Status != status || !j.StartedAt.Equal(started) || !j.FinishedAt.Equal(ended) {
			j.State, j.Reason, j.WaitingOn, j.ExecutionID = "", "", nil, ""
			j.Attempt = int(r.Attempt)
		}
		j.Status, j.StartedAt, j.FinishedAt = status, started, ended
		jobs = append(jobs, j)
	}
	slices.SortStableFunc(jobs, func(a, b flow.Job) int { return int(a.Position - b.Position) })
	return f, jobs
}

// between keeps the edges whose ends are both there, or in another flow.
func between(jobs []flow.Job, rels []flow.Relationship) (kept []flow.Relationship) {
	there := map[string]bool{}
	for _, j := range jobs {
		there[j.ID] = true
	}
	for _, r := range rels {
		if r.Visible && (there[r.FromID] || r.FromFlowID != "") && (there[r.ToID] || r.ToFlowID != "") {
			kept = append(kept, r)
		}
	}
	return kept
}

// ofFlow reads, as of one moment, a flow and what is asked of it beside.
func (s *Store) ofFlow(ctx context.Context, flowID string, read func(q *dbsqlc.Queries, now flow.Delta) error) error {
	return s.reading(ctx, func(q *dbsqlc.Queries) error {
		now, err := readDelta(ctx, q, flowID, flow.NoCursor)
		if errors.Is(err, pgx.ErrNoRows) {
			return noFlow(flowID)
		}
		if err != nil {
			return err
		}
		return read(q, now)
	})
}

package db

import (
	"context"
	"slices"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// Jobs lists a deployment's jobs of those statuses (none given: all) as of one moment,
// latest start first, not started last, then by name. NotFound (deployment-not-found)
// when there is neither a record nor a flow of that id.
func (s *Store) Jobs(ctx context.Context, deploymentID string, statuses ...flow.Status) ([]flow.PlacedJob, error) {
	var jobs []flow.PlacedJob
	p := dbsqlc.JobListPlacedParams{FlowID: deploymentID}
	for _, st := range statuses {
		p.Statuses = append(p.Statuses, string(st))
	}
	err := s.reading(ctx, func(q *dbsqlc.Queries) (err error) {
		if jobs, err = listPlaced(ctx, q, p); err != nil || len(jobs) > 0 {
			return err
		}
		owner, err := q.JobOwnerGet(ctx, deploymentID)
		if err == nil && !owner.Known {
			return flow.NotFoundf("deployment-not-found", "there is no deployment and no flow %q", deploymentID)
		}
		return err
	})
	return jobs, err
}

// Job gives a job and its attempts, newest first, as of one moment. ref is its id, an
// alias of it, or its bare name. NotFound (job-not-found) when there is none.
func (s *Store) Job(ctx context.Context, deploymentID, ref string) (flow.PlacedJob, []flow.Execution, error) {
	var (
		job      flow.PlacedJob
		attempts []flow.Execution
	)
	err := s.reading(ctx, func(q *dbsqlc.Queries) (err error) {
		if job, err = findJob(ctx, q, deploymentID, ref); err != nil {
			return err
		}
		attempts, err = listAttempts(ctx, q, deploymentID, job.ID)
		return err
	})
	return job, attempts, err
}

// findJob gives the first of the candidates that exists.
func findJob(ctx context.Context, q *dbsqlc.Queries, flowID, ref string) (flow.PlacedJob, error) {
	ids, err := candidatesOf(ctx, q, flowID, ref)
	if err != nil {
		return flow.PlacedJob{}, err
	}
	jobs, err := listPlaced(ctx, q, dbsqlc.JobListPlacedParams{FlowID: flowID, JobIds: ids})
	if err != nil {
		return flow.PlacedJob{}, err
	}
	for _, id := range ids {
		if i := slices.IndexFunc(jobs, func(j flow.PlacedJob) bool { return j.ID == id }); i >= 0 {
			return jobs[i], nil
		}
	}
	return flow.PlacedJob{}, flow.NotFoundf("job-not-found", "deployment %q has no job %q", flowID, ref)
}

// candidatesOf lists the ids that a reader may have meant, most literal first.
func candidatesOf(ctx context.Context, q *dbsqlc.Queries, flowID, ref string) ([]string, error) {
	owner, err := q.JobOwnerGet(ctx, flowID)
	return flow.Names{Deployment: flowID, Primary: owner.PrimaryRegion}.Candidates(ref), err
}

func listPlaced(ctx context.Context, q *dbsqlc.Queries, p dbsqlc.JobListPlacedParams) ([]flow.PlacedJob, error) {
	rows, err := q.JobListPlaced(ctx, p)
	jobs := make([]flow.PlacedJob, len(rows))
	for i, r := range rows {
		jobs[i] = placedJobOf(r)
	}
	return jobs, err
}

func listAttempts(ctx context.Context, q *dbsqlc.Queries, flowID, jobID string) ([]flow.Execution, error) {
	rows, err := q.ExecutionListOfJob(ctx, dbsqlc.ExecutionListOfJobParams{FlowID: flowID, JobID: jobID})
	attempts := make([]flow.Execution, len(rows))
	for i, r := range rows {
		attempts[i] = flow.Execution{
			ID: r.ExecutionID, JobID: r.JobID, Attempt: int(r.Attempt), Status: flow.Status(r.Status),
			StartedAt: instant(r.StartedAt), FinishedAt: instant(r.FinishedAt), LineCount: r.LineCount,
		}
	}
	return attempts, err
}

func placedJobOf(r *dbsqlc.JobListPlacedRow) flow.PlacedJob {
	return flow.PlacedJob{
		Job: jobOf(&dbsqlc.JobListChangedSinceRow{
			JobID: r.JobID, Position: r.Position, Name: r.Name, DisplayName: r.DisplayName, Type: r.Type, Family: r.Family,
			AppID: r.AppID, Region: r.Region, Namespace: r.Namespace, Chart: r.Chart, Source: r.Source, Status: r.Status,
			StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, State: r.State, Reason: r.Reason, ChartVersion: r.ChartVersion,
			Attempt: r.Attempt, ExecutionID: r.ExecutionID, WaitingOn: r.WaitingOn, Meta: r.Meta,
			Action: r.Action, RunStatus: r.RunStatus, RunStartedAt: r.RunStartedAt, RunFinishedAt: r.RunFinishedAt,
		}),
		ParentID: r.ParentID, DependsOn: r.DependsOn, ChildIDs: r.ChildIds,
	}
}

package db

import (
	"encoding/json"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

func flowOf(id string, r *dbsqlc.FlowGetRow) flow.Flow {
	return flow.Flow{
		ID: id, DefinitionID: r.DefinitionID, ParentFlowID: r.ParentFlowID, TriggeredBy: r.TriggeredBy, Declared: r.Declared,
		Status: flow.Status(r.Status), StartedAt: instant(r.StartedAt), EndedAt: instant(r.EndedAt),
		FailedJobs: int(r.FailedJobs), Meta: r.Meta, Watches: watchesOf(r.Watches), CreatedAt: instant(r.CreatedAt),
		Estimate: flow.Estimate{Earliest: instant(r.EstimateEarliest), Latest: instant(r.EstimateLatest), Runs: int(r.EstimateRuns)},
	}
}

// watchesOf reads what watchesJSON wrote.
func watchesOf(text []byte) (list []flow.Watch) {
	if len(text) > 0 && json.Unmarshal(text, &list) != nil {
		return nil
	}
	return list
}

func jobOf(r *dbsqlc.JobListChangedSinceRow) flow.Job {
	j := flow.Job{
		ID: r.JobID, Name: r.Name, DisplayName: r.DisplayName, Type: flow.JobType(r.Type), Family: r.Family,
		AppID: r.AppID, Region: r.Region, Namespace: r.Namespace, Chart: r.Chart, Source: r.Source,
		Status: flow.Status(r.Status), StartedAt: instant(r.StartedAt), FinishedAt: instant(r.FinishedAt),
		State: r.State, Reason: r.Reason, ChartVersion: r.ChartVersion, Attempt: int(r.Attempt),
		ExecutionID: r.ExecutionID, Meta: r.Meta, Position: r.Position, Action: r.Action,
		Run: flow.Run{Status: flow.Status(r.RunStatus), StartedAt: instant(r.RunStartedAt), FinishedAt: instant(r.RunFinishedAt)},
	}
	if len(r.WaitingOn) > 0 {
		j.WaitingOn = r.WaitingOn
	}
	return j
}

func relationshipOf(r *dbsqlc.RelationshipListChangedSinceRow) flow.Relationship {
	return flow.Relationship{
		RelationshipKey: flow.RelationshipKey{FromID: r.FromID, ToID: r.ToID, Type: flow.RelationshipType(r.Type)},
		FromFlowID:      r.FromFlowID, ToFlowID: r.ToFlowID, Condition: r.Condition, LagSeconds: int(r.LagSeconds),
		Source: r.Source, Visible: r.Visible, Position: r.Position,
	}
}

func executionOf(r *dbsqlc.ExecutionListOfFlowRow) flow.Execution {
	return flow.Execution{
		ID: r.ExecutionID, JobID: r.JobID, Attempt: int(r.Attempt), Status: flow.Status(r.Status),
		StartedAt: instant(r.StartedAt), FinishedAt: instant(r.FinishedAt), LineCount: r.LineCount,
	}
}

func bridgeCursorOf(r *dbsqlc.BridgeCursorListChangedSinceRow) flow.BridgeCursor {
	c := flow.BridgeCursor{
		JobID: r.JobID, State: r.State, ChartVersion: r.ChartVersion,
		ObservedAt: instant(r.ObservedAt), DependsAt: instant(r.DependsAt),
		ActiveAt: instant(r.ActiveAt), EndedAt: instant(r.EndedAt), Began: instant(r.BeganAt),
		Revision: int(r.Revision), BeganAttempt: int(r.BeganAttempt), Failures: int(r.Failures),
	}
	if r.ExecutionID != "" {
		c.Execution = flow.Execution{
			ID: r.ExecutionID, JobID: r.JobID, Attempt: int(r.Attempt), Status: flow.Status(r.Status),
			StartedAt: instant(r.StartedAt), FinishedAt: instant(r.FinishedAt),
		}
	}
	return c
}

package db

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

func flowOf(id string, r dbsqlc.FlowGetRow) flow.Flow {
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

func watchesJSON(list []flow.Watch) []byte {
	if len(list) == 0 {
		return nil
	}
	text, _ := json.Marshal(list) // texts and times always encode
	return text
}

func jobOf(r dbsqlc.JobListChangedSinceRow) flow.Job {
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

func relationshipOf(r dbsqlc.RelationshipListChangedSinceRow) flow.Relationship {
	return flow.Relationship{
		RelationshipKey: flow.RelationshipKey{FromID: r.FromID, ToID: r.ToID, Type: flow.RelationshipType(r.Type)},
		FromFlowID:      r.FromFlowID, ToFlowID: r.ToFlowID, Condition: r.Condition, LagSeconds: int(r.LagSeconds),
		Source: r.Source, Visible: r.Visible, Position: r.Position,
	}
}

func bridgeCursorOf(r dbsqlc.BridgeCursorListChangedSinceRow) flow.BridgeCursor {
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

func jobParams(flowID string, version int64, jobs []flow.Job) dbsqlc.JobPutAllParams {
	p := dbsqlc.JobPutAllParams{FlowID: flowID, ChangedVersion: version}
	for _, j := range jobs {
		p.JobIds = append(p.JobIds, j.ID)
		p.Positions = append(p.Positions, j.Position)
		p.Names = append(p.Names, j.Name)
		p.DisplayNames = append(p.DisplayNames, j.DisplayName)
		p.Types = append(p.Types, string(j.Type))
		p.Families = append(p.Families, j.Family)
		p.AppIds = append(p.AppIds, j.AppID)
		p.Regions = append(p.Regions, j.Region)
		p.Namespaces = append(p.Namespaces, j.Namespace)
		p.Charts = append(p.Charts, j.Chart)
		p.Sources = append(p.Sources, j.Source)
		p.Statuses = append(p.Statuses, string(j.Status))
		p.StartedAts = append(p.StartedAts, stamp(j.StartedAt))
		p.FinishedAts = append(p.FinishedAts, stamp(j.FinishedAt))
		p.States = append(p.States, j.State)
		p.Reasons = append(p.Reasons, j.Reason)
		p.ChartVersions = append(p.ChartVersions, j.ChartVersion)
		p.Attempts = append(p.Attempts, int32(j.Attempt))
		p.ExecutionIds = append(p.ExecutionIds, j.ExecutionID)
		p.WaitingOns = append(p.WaitingOns, jsonList(j.WaitingOn))
		p.Metas = append(p.Metas, string(j.Meta))
		p.Actions = append(p.Actions, j.Action)
		p.RunStatuses = append(p.RunStatuses, string(j.Run.Status))
		p.RunStartedAts = append(p.RunStartedAts, stamp(j.Run.StartedAt))
		p.RunFinishedAts = append(p.RunFinishedAts, stamp(j.Run.FinishedAt))
	}
	return p
}

// jsonList writes a list for a column that is unnested by rows.
func jsonList(ids []string) string {
	if len(ids) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(ids) // strings always encode
	return string(b)
}

func relationshipParams(flowID string, version int64, rels []flow.Relationship) dbsqlc.RelationshipPutAllParams {
	p := dbsqlc.RelationshipPutAllParams{FlowID: flowID, ChangedVersion: version}
	for _, r := range rels {
		p.FromIds = append(p.FromIds, r.FromID)
		p.ToIds = append(p.ToIds, r.ToID)
		p.Types = append(p.Types, string(r.Type))
		p.Positions = append(p.Positions, r.Position)
		p.FromFlowIds = append(p.FromFlowIds, r.FromFlowID)
		p.ToFlowIds = append(p.ToFlowIds, r.ToFlowID)
		p.Conditions = append(p.Conditions, r.Condition)
		p.Lags = append(p.Lags, int32(r.LagSeconds))
		p.Sources = append(p.Sources, r.Source)
		p.Visibles = append(p.Visibles, r.Visible)
	}
	return p
}

func relationshipKeyParams(flowID string, version int64, keys []flow.RelationshipKey, now time.Time) dbsqlc.RelationshipDeleteAllParams {
	p := dbsqlc.RelationshipDeleteAllParams{FlowID: flowID, ChangedVersion: version, Now: stamp(now)}
	for _, k := range keys {
		p.FromIds = append(p.FromIds, k.FromID)
		p.ToIds = append(p.ToIds, k.ToID)
		p.Types = append(p.Types, string(k.Type))
	}
	return p
}

// executionParams gives executions, and the lines that they have gained.
func executionParams(flowID string, xs []flow.Execution, lines []flow.LogLine) dbsqlc.ExecutionPutAllParams {
	p := dbsqlc.ExecutionPutAllParams{FlowID: flowID, LineLaters: make([]int64, len(lines))}
	gained := map[string]int64{}
	for i, l := range slices.Backward(lines) {
		p.LineLaters[i] = gained[l.ExecutionID]
		gained[l.ExecutionID]++
	}
	for _, l := range lines {
		p.LineExecutionIds = append(p.LineExecutionIds, l.ExecutionID)
		p.LineAts = append(p.LineAts, stamp(l.At))
		p.LineLevels = append(p.LineLevels, l.Level)
		p.LineMessages = append(p.LineMessages, l.Message)
	}
	for _, x := range xs {
		p.ExecutionIds = append(p.ExecutionIds, x.ID)
		p.JobIds = append(p.JobIds, x.JobID)
		p.Attempts = append(p.Attempts, int32(x.Attempt))
		p.Statuses = append(p.Statuses, string(x.Status))
		p.StartedAts = append(p.StartedAts, stamp(x.StartedAt))
		p.FinishedAts = append(p.FinishedAts, stamp(x.FinishedAt))
		p.LineCounts = append(p.LineCounts, gained[x.ID])
	}
	return p
}

func bridgeCursorParams(flowID string, version int64, cs []flow.BridgeCursor) dbsqlc.BridgeCursorPutAllParams {
	p := dbsqlc.BridgeCursorPutAllParams{FlowID: flowID, ChangedVersion: version}
	for _, c := range cs {
		p.JobIds = append(p.JobIds, c.JobID)
		p.States = append(p.States, c.State)
		p.ChartVersions = append(p.ChartVersions, c.ChartVersion)
		p.ObservedAts = append(p.ObservedAts, stamp(c.ObservedAt))
		p.DependsAts = append(p.DependsAts, stamp(c.DependsAt))
		p.ActiveAts = append(p.ActiveAts, stamp(c.ActiveAt))
		p.EndedAts = append(p.EndedAts, stamp(c.EndedAt))
		p.ExecutionIds = append(p.ExecutionIds, c.Execution.ID)
		p.BeganAts = append(p.BeganAts, stamp(c.Began))
		p.Revisions = append(p.Revisions, int32(c.Revision))
		p.BeganAttempts = append(p.BeganAttempts, int32(c.BeganAttempt))
		p.Failures = append(p.Failures, int32(c.Failures))
	}
	return p
}

func transitionParams(flowID string, version int64, ts []flow.Transition) dbsqlc.TransitionInsertAllParams {
	p := dbsqlc.TransitionInsertAllParams{FlowID: flowID, Version: version}
	for _, t := range ts {
		p.JobIds = append(p.JobIds, t.JobID)
		p.ExecutionIds = append(p.ExecutionIds, t.ExecutionID)
		p.FromStatuses = append(p.FromStatuses, string(t.From))
		p.ToStatuses = append(p.ToStatuses, string(t.To))
		p.States = append(p.States, t.State)
		p.OccurredAts = append(p.OccurredAts, stamp(t.OccurredAt))
		p.Causes = append(p.Causes, t.Cause)
	}
	return p
}

// freshOf says for each key whether it is among those just inserted. What has no key is
// always fresh.
func freshOf(keys []flow.Fingerprint, inserted [][]byte) []bool {
	added := make(map[flow.Fingerprint]bool, len(inserted))
	for _, k := range inserted {
		added[flow.Fingerprint(k)] = true
	}
	fresh := make([]bool, len(keys))
	for i, k := range keys {
		fresh[i] = added[k] || k == flow.Fingerprint{}
		delete(added, k) // the same key twice in one batch has its effect once
	}
	return fresh
}

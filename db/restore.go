package db

import (
	"context"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// queueRestored queues history out of an archive. Executions go first: lines are theirs.
func (s *Store) queueRestored(ctx context.Context, q *dbsqlc.Queries, flowID string, version int64, r flow.Restored) {
	if len(r.Executions) > 0 {
		_ = q.ExecutionRestoreAll(ctx, restoredExecutionParams(flowID, r.Executions))
	}
	if len(r.Transitions) > 0 {
		_ = q.TransitionRestoreAll(ctx, restoredTransitionParams(s, flowID, version, r.Transitions))
	}
	if len(r.Lines) > 0 {
		_ = q.LogLineRestoreAll(ctx, restoredLineParams(flowID, r.Lines))
	}
}

func restoredExecutionParams(flowID string, xs []flow.Execution) dbsqlc.ExecutionRestoreAllParams {
	all := executionParams([]decided{{flowID: flowID, Changes: flow.Changes{Executions: xs}}})
	return dbsqlc.ExecutionRestoreAllParams{
		FlowID: flowID, ExecutionIds: all.ExecutionIds, JobIds: all.JobIds, Attempts: all.Attempts,
		Statuses: all.Statuses, StartedAts: all.StartedAts, FinishedAts: all.FinishedAts,
	}
}

func restoredTransitionParams(s *Store, flowID string, version int64, ts []flow.Transition) dbsqlc.TransitionRestoreAllParams {
	all := transitionParams([]decided{{Changes: flow.Changes{Transitions: ts}}})
	p := dbsqlc.TransitionRestoreAllParams{
		FlowID: flowID, Version: version, RecordedAt: stamp(s.now()), JobIds: all.JobIds, ExecutionIds: all.ExecutionIds,
		FromStatuses: all.FromStatuses, ToStatuses: all.ToStatuses, States: all.States, OccurredAts: all.OccurredAts, Causes: all.Causes,
	}
	for i, t := range ts {
		p.Ordinals = append(p.Ordinals, int64(i))
		p.Befores = append(p.Befores, int32(t.Before))
	}
	return p
}

func restoredLineParams(flowID string, lines []flow.LogLine) dbsqlc.LogLineRestoreAllParams {
	all := executionParams([]decided{{flowID: flowID, Changes: flow.Changes{Lines: lines}}})
	p := dbsqlc.LogLineRestoreAllParams{
		FlowID: flowID, ExecutionIds: all.LineExecutionIds, Ats: all.LineAts, Levels: all.LineLevels, Messages: all.LineMessages,
	}
	for _, l := range lines {
		p.Numbers = append(p.Numbers, l.Number)
	}
	return p
}

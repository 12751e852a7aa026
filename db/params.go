package db

import (
	"bytes"
	"cmp"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// The rows of several flows go in one statement, as arrays of their columns.

// each gives one kind of rows of all that was decided, each with what it is a part of.
func each[T any](all []decided, rows func(flow.Changes) []T) iter.Seq2[decided, T] {
	return func(yield func(decided, T) bool) {
		for _, d := range all {
			for _, r := range rows(d.Changes) {
				if !yield(d, r) {
					return
				}
			}
		}
	}
}

func flowParams(all []decided) (p dbsqlc.FlowPutAllParams) {
	for _, d := range all {
		f := d.Flow
		if f == nil {
			continue
		}
		p.FlowIds = append(p.FlowIds, d.flowID)
		p.Versions = append(p.Versions, d.at.Version)
		p.DefinitionIds = append(p.DefinitionIds, f.DefinitionID)
		p.ParentFlowIds = append(p.ParentFlowIds, f.ParentFlowID)
		p.TriggeredBys = append(p.TriggeredBys, string(f.TriggeredBy))
		p.Declareds = append(p.Declareds, f.Declared)
		p.Statuses = append(p.Statuses, string(f.Status))
		p.StartedAts = append(p.StartedAts, stamp(f.StartedAt))
		p.EndedAts = append(p.EndedAts, stamp(f.EndedAt))
		p.FailedJobs = append(p.FailedJobs, int32(f.FailedJobs))
		p.Metas = append(p.Metas, string(f.Meta))
		p.Watches = append(p.Watches, string(watchesJSON(f.Watches)))
		p.EstimateEarliests = append(p.EstimateEarliests, stamp(f.Estimate.Earliest))
		p.EstimateLatests = append(p.EstimateLatests, stamp(f.Estimate.Latest))
		p.EstimateRuns = append(p.EstimateRuns, int32(f.Estimate.Runs))
	}
	return p
}

// advanceParams are of the flows whose version moves and whose own row is not written.
func advanceParams(all []decided) (p dbsqlc.FlowAdvanceAllParams) {
	for _, d := range all {
		if d.Flow == nil && d.Moves() {
			p.FlowIds, p.Versions = append(p.FlowIds, d.flowID), append(p.Versions, d.at.Version)
		}
	}
	return p
}

func watchesJSON(list []flow.Watch) []byte {
	if len(list) == 0 {
		return nil
	}
	text, _ := json.Marshal(list) // texts and times always encode
	return text
}

func jobParams(all []decided) (p dbsqlc.JobPutAllParams) {
	for d, j := range each(all, func(c flow.Changes) []flow.Job { return c.Jobs }) {
		p.FlowIds = append(p.FlowIds, d.flowID)
		p.ChangedVersions = append(p.ChangedVersions, d.at.Version)
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
func executionParams(all []decided) (p dbsqlc.ExecutionPutAllParams) {
	for _, d := range all {
		gained := addLines(&p, d)
		for _, x := range slices.Concat(d.Executions, d.Spoken) {
			p.FlowIds = append(p.FlowIds, d.flowID)
			p.ExecutionIds = append(p.ExecutionIds, x.ID)
			p.JobIds = append(p.JobIds, x.JobID)
			p.Attempts = append(p.Attempts, int32(x.Attempt))
			p.Statuses = append(p.Statuses, string(x.Status))
			p.StartedAts = append(p.StartedAts, stamp(x.StartedAt))
			p.FinishedAts = append(p.FinishedAts, stamp(x.FinishedAt))
			p.LineCounts = append(p.LineCounts, gained[x.ID])
		}
	}
	return p
}

// addLines adds a flow's lines and says how many each execution has gained.
func addLines(p *dbsqlc.ExecutionPutAllParams, d decided) (gained map[string]int64) {
	gained = map[string]int64{}
	for _, l := range d.Lines {
		gained[l.ExecutionID]++
	}
	left := maps.Clone(gained)
	for _, l := range d.Lines {
		left[l.ExecutionID]--
		p.LineFlowIds = append(p.LineFlowIds, d.flowID)
		p.LineExecutionIds = append(p.LineExecutionIds, l.ExecutionID)
		p.LineLaters = append(p.LineLaters, left[l.ExecutionID])
		p.LineAts = append(p.LineAts, stamp(l.At))
		p.LineLevels = append(p.LineLevels, l.Level)
		p.LineMessages = append(p.LineMessages, l.Message)
	}
	return gained
}

func bridgeCursorParams(all []decided) (p dbsqlc.BridgeCursorPutAllParams) {
	for d, c := range each(all, func(c flow.Changes) []flow.BridgeCursor { return c.Cursors }) {
		p.FlowIds = append(p.FlowIds, d.flowID)
		p.ChangedVersions = append(p.ChangedVersions, d.at.Version)
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

func heardParams(all []decided) (p dbsqlc.BridgeCursorHearAllParams) {
	for d, c := range each(all, func(c flow.Changes) []flow.BridgeCursor { return c.Heard }) {
		p.FlowIds = append(p.FlowIds, d.flowID)
		p.JobIds = append(p.JobIds, c.JobID)
		p.ActiveAts = append(p.ActiveAts, stamp(c.ActiveAt))
		p.EndedAts = append(p.EndedAts, stamp(c.EndedAt))
	}
	return p
}

func transitionParams(all []decided) (p dbsqlc.TransitionInsertAllParams) {
	for d, t := range each(all, func(c flow.Changes) []flow.Transition { return c.Transitions }) {
		p.FlowIds = append(p.FlowIds, d.flowID)
		p.Versions = append(p.Versions, d.at.Version)
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

// keyParams lists the keys of some writes. They are in order: two who make the same flow wait
// for each other one way only.
func keyParams(ws []flow.Write) (p dbsqlc.KeyInsertNewParams) {
	for _, w := range slices.SortedFunc(slices.Values(ws), func(a, b flow.Write) int { return cmp.Compare(a.FlowID, b.FlowID) }) {
		for _, k := range slices.SortedFunc(slices.Values(w.Keys), func(a, b flow.Fingerprint) int { return bytes.Compare(a[:], b[:]) }) {
			if k != (flow.Fingerprint{}) {
				p.FlowIds, p.Keys = append(p.FlowIds, w.FlowID), append(p.Keys, k[:])
			}
		}
	}
	return p
}

// flowKey is a key and the flow that it is of.
type flowKey struct {
	flowID string
	key    flow.Fingerprint
}

// freshOf says for each key of a write whether it was just added. What has no key is always
// fresh.
func freshOf(w flow.Write, added map[flowKey]bool) []bool {
	fresh := make([]bool, len(w.Keys))
	for i, k := range w.Keys {
		fresh[i] = added[flowKey{w.FlowID, k}] || k == flow.Fingerprint{}
		delete(added, flowKey{w.FlowID, k}) // the same key twice in one batch has its effect once
	}
	return fresh
}

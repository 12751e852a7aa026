package db_test

import (
	"context"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
	"github.com/openova-io/provflow/service/timeline"
)

const finishedEvents = `{"time":"2026-04-01T12:00:02Z","phase":"component","component":"cilium","state":"installing"}
{"time":"2026-04-01T12:00:05Z","phase":"component","component":"cilium","state":"installed"}
{"time":"2026-04-01T12:00:06Z","phase":"component","component":"flux","state":"installing","dependsOn":["cilium"]}
{"time":"2026-04-01T12:00:09Z","phase":"component","component":"flux","state":"failed","level":"error","message":"no"}`

// afterwards is what is done to what is over.
func afterwards() []operation {
	later := noon.AddDate(0, 0, 1)
	return []operation{
		{name: "keep a timeline anew", before: counted(wrote(finishedEvents)), do: func(ctx context.Context, s *subject) (any, error) {
			return nil, count(ctx, s)
		}},
		{name: "forget lines", alone: true, before: dated(wrote(firstEvents)), do: func(ctx context.Context, s *subject) (any, error) {
			for {
				if n, err := s.store.ExpireLogs(ctx, later); n == 0 || err != nil {
					return nil, err
				}
			}
		}},
		{name: "restore an archive", do: restoreArchive},
		{name: "renew epochs", alone: true, before: wrote(firstEvents), do: func(ctx context.Context, s *subject) (any, error) {
			_, err := s.store.RenewEpochs(ctx)
			return nil, err
		}},
	}
}

// analyses are what analysts ask.
func analyses() []operation {
	window := timeline.Window{From: noon.Add(-time.Hour), To: noon.Add(time.Hour)}
	list := []operation{
		{name: "read a provision", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.Provision(ctx, s.id)) }},
		{name: "list provisions", do: func(ctx context.Context, s *subject) (any, error) {
			return answer(s.store.Provisions(ctx, timeline.ProvisionQuery{Window: window, Prefix: s.id, Limit: 5}))
		}},
		{name: "read a critical path", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.CriticalPath(ctx, s.id)) }},
		{name: "read what components did", do: func(ctx context.Context, s *subject) (any, error) {
			return answer(s.store.ComponentStats(ctx, timeline.ComponentQuery{Window: window, Prefix: s.id, Limit: 5}))
		}},
		{name: "compare", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.Compare(ctx, s.id, s.id)) }},
		{name: "diagnose", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.Diagnosis(ctx, s.id)) }},
		{name: "estimate", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.Estimate(ctx, s.id)) }},
		{name: "read the past", do: func(ctx context.Context, s *subject) (any, error) {
			return answer(s.store.At(ctx, s.id, noon.Add(3*time.Second)))
		}},
	}
	for i := range list {
		list[i].reads = true
		list[i].before = counted(wrote(finishedEvents))
	}
	return append(list, operation{name: "list timelines that are due", alone: true, reads: true, before: wrote(finishedEvents),
		do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.Uncounted(ctx, "", 5)) }})
}

// counted has the timeline of what has ended kept afterwards.
func counted(before func(*subject) error) func(*subject) error {
	return func(s *subject) error {
		if err := before(s); err != nil {
			return err
		}
		return count(context.Background(), s)
	}
}

func count(ctx context.Context, s *subject) error {
	in, err := s.store.TimelineInput(ctx, s.id)
	if err != nil {
		return err
	}
	return s.store.KeepTimeline(ctx, in, timeline.Compute(in, noon))
}

// dated has a partition for the lines of noon's day, and lines of an older one that have none.
func dated(before func(*subject) error) func(*subject) error {
	const old = `{"time":"2026-03-20T12:00:00Z","phase":"component","component":"old","state":"installing","message":"a"}`
	return func(s *subject) error {
		if _, err := s.store.EnsureLogPartitions(context.Background(), noon, 0); err != nil {
			return err
		}
		if err := before(s); err != nil {
			return err
		}
		return wrote(old)(s)
	}
}

// restoreArchive says what has no key, as an archive does: what is there stays as it is.
func restoreArchive(ctx context.Context, s *subject) (any, error) {
	x := flow.Execution{ID: s.id + ":x:1", JobID: s.id + ":x", Attempt: 1, Status: flow.Succeeded, StartedAt: noon, FinishedAt: noon.Add(time.Second)}
	records := []flow.ArchiveRecord{
		{Job: &flow.Job{
			ID: x.JobID, Name: "x", Type: flow.TypeInstall, Source: flow.SourceBridge, Status: x.Status, Attempt: 1,
			ExecutionID: x.ID, StartedAt: x.StartedAt, FinishedAt: x.FinishedAt,
		}},
		{Execution: &x},
		{Line: &flow.LogLine{ExecutionID: x.ID, Number: 1, At: noon, Level: "info", Message: "a"}},
		{Transition: &flow.Transition{JobID: x.JobID, ExecutionID: x.ID, From: flow.Pending, To: flow.Running, OccurredAt: noon}},
	}
	var items []record.Item
	for _, r := range records {
		items = append(items, record.Item{Observation: bridge.Restored{ArchiveRecord: r}, OfDeployment: true})
	}
	at, err := s.recorder().Record(ctx, s.id, items)
	return at.Version, err
}

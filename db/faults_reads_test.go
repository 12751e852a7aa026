package db_test

import (
	"context"
	"fmt"

	"github.com/openova-io/provflow/service/flow"
)

// reads give what they give in an untroubled run, or say that they could not.
func reads() []operation {
	list := []operation{
		{name: "read a snapshot", do: func(ctx context.Context, s *subject) (any, error) {
			d, err := s.store.ChangedSince(ctx, s.id, flow.NoCursor)
			return whole(d), err
		}},
		{name: "read the changes since", do: func(ctx context.Context, s *subject) (any, error) {
			at, err := s.store.Cursors(ctx, []string{s.id})
			if err != nil {
				return nil, err
			}
			d, err := s.store.ChangedSince(ctx, s.id, flow.Cursor{Epoch: at[s.id].Epoch, Version: at[s.id].Version - 1})
			return whole(d), err
		}},
		{name: "read a part", do: func(ctx context.Context, s *subject) (any, error) {
			d, err := s.store.Part(ctx, s.id, flow.Part{Around: s.id + ":install-flux", Direction: flow.Both})
			return whole(d), err
		}},
		{name: "read a subtree", do: func(ctx context.Context, s *subject) (any, error) {
			d, err := s.store.Part(ctx, s.id, flow.Part{Root: s.id + ":install-flux"})
			return whole(d), err
		}},
		{name: "list jobs", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.Jobs(ctx, s.id)) }},
		{name: "read a job", do: func(ctx context.Context, s *subject) (any, error) {
			j, attempts, err := s.store.Job(ctx, s.id, "install-cilium")
			return fmt.Sprintf("%+v %+v", j, attempts), err
		}},
		{name: "read a log", do: func(ctx context.Context, s *subject) (any, error) {
			return answer(s.store.LogPage(ctx, s.id+":tofu-init:1", 1, 10))
		}},
		{name: "read a deployment", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.DeploymentRecord(ctx, s.id)) }},
		{name: "list deployments", do: func(ctx context.Context, s *subject) (any, error) {
			return answer(s.store.DeploymentRecords(ctx, s.id, flow.DeploymentPlace{}, 5))
		}},
		{name: "list regions", do: func(ctx context.Context, s *subject) (any, error) {
			return answer(s.store.DeploymentRegions(ctx, []string{s.id}))
		}},
		{name: "list flows", alone: true, do: func(ctx context.Context, s *subject) (any, error) {
			var ids []string
			err := s.store.EachFlow(ctx, func(id string) error { ids = append(ids, id); return nil })
			return ids, err
		}},
		{name: "check roll-ups", do: func(ctx context.Context, s *subject) (any, error) { return answer(s.store.CheckRollUps(ctx, s.id)) }},
		{name: "export", do: func(ctx context.Context, s *subject) (any, error) {
			n := 0
			err := s.store.Export(ctx, s.id, func(flow.ArchiveRecord) error { n++; return nil })
			return n, err
		}},
	}
	for i := range list {
		list[i].reads = true
		list[i].before = func(s *subject) error {
			if err := wrote(firstEvents)(s); err != nil {
				return err
			}
			return wrote(laterEvents)(s)
		}
	}
	return append(list, operation{name: "read an answer", reads: true, before: answered, do: func(ctx context.Context, s *subject) (any, error) {
		return answer(s.store.Answer(ctx, s.id, flow.Fingerprint{9}))
	}}, operation{name: "list tokens", alone: true, reads: true, before: hasToken, do: func(ctx context.Context, s *subject) (any, error) {
		return answer(s.store.AccessTokens(ctx))
	}}, operation{name: "read a token", reads: true, before: hasToken, do: func(ctx context.Context, s *subject) (any, error) {
		t, err := s.store.AccessToken(ctx, s.id)
		return t.Name, err
	}}, operation{name: "read a session", reads: true, before: hasSession, do: func(ctx context.Context, s *subject) (any, error) {
		a, err := s.store.Session(ctx, s.hash("session"))
		return a.Principal.Key, err
	}})
}

// answer prints what was read: pointers are of no interest.
func answer[T any](v T, err error) (any, error) { return fmt.Sprintf("%+v", v), err }

// whole is a delta without the epoch, which is random.
func whole(d flow.Delta) string {
	d.From.Epoch, d.To.Epoch = "", ""
	f := d.Flow
	d.Flow = nil
	return fmt.Sprintf("%+v %+v", d, f)
}

package feed_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/openova-io/provflow/service/flow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = &flow.Error{Code: flow.Unavailable, Slug: "database-unavailable", Detail: "try again"}

// store is a tiny versioned store that remembers every state it was in.
type store struct {
	mu          sync.Mutex
	away        bool
	unreadable  bool          // changes cannot be read, though cursors can
	hold        chan struct{} // while set, whole-flow reads wait for it to be closed
	epochs      int
	flows       map[string]*storedFlow
	deployments map[string]flow.Deployment
	history     map[flow.Cursor]state
	polled      sync.Cond // on mu, with every call of Cursors
	polls       int
	reads       map[flow.Cursor]int
}

type storedFlow struct {
	cursor      flow.Cursor
	floor       int64 // tombstones before it have expired
	row         flow.Flow
	rowAt       int64
	jobs        map[string]versioned[flow.Job]
	rels        map[flow.RelationshipKey]versioned[flow.Relationship]
	removed     map[string]int64
	removedRels map[flow.RelationshipKey]int64
}

type versioned[T any] struct {
	row T
	at  int64
}

func newStore() *store {
	s := &store{
		flows: map[string]*storedFlow{}, deployments: map[string]flow.Deployment{},
		history: map[flow.Cursor]state{}, reads: map[flow.Cursor]int{},
	}
	s.polled.L = &s.mu
	return s
}

// write changes a flow, which begins to exist with it, and gives its new cursor.
func (s *store) write(id string, change func(f *storedFlow, v int64)) flow.Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flows[id]
	if f == nil {
		s.epochs++
		f = &storedFlow{
			cursor: flow.Cursor{Epoch: fmt.Sprintf("e%d", s.epochs)}, rowAt: 1,
			row:  flow.Flow{ID: id, Status: flow.Pending},
			jobs: map[string]versioned[flow.Job]{}, rels: map[flow.RelationshipKey]versioned[flow.Relationship]{},
			removed: map[string]int64{}, removedRels: map[flow.RelationshipKey]int64{},
		}
		s.flows[id] = f
	}
	f.cursor.Version++
	change(f, f.cursor.Version)
	s.history[f.cursor] = stateOf(flow.Snapshot(f.since(-1)))
	return f.cursor
}

func (f *storedFlow) putJob(v int64, j flow.Job) {
	f.jobs[j.ID] = versioned[flow.Job]{j, v}
	delete(f.removed, j.ID)
}

func (f *storedFlow) removeJob(v int64, id string) {
	if _, ok := f.jobs[id]; ok {
		delete(f.jobs, id)
		f.removed[id] = v
	}
}

func (f *storedFlow) relate(v int64, r flow.Relationship) {
	f.rels[r.RelationshipKey] = versioned[flow.Relationship]{r, v}
	delete(f.removedRels, r.RelationshipKey)
}

func (f *storedFlow) unrelate(v int64, k flow.RelationshipKey) {
	if _, ok := f.rels[k]; ok {
		delete(f.rels, k)
		f.removedRels[k] = v
	}
}

func (f *storedFlow) since(v int64) flow.Delta {
	d := flow.Delta{To: f.cursor}
	if f.rowAt > v {
		row := f.row
		d.Flow = &row
	}
	for _, j := range f.jobs {
		if j.at > v {
			d.Jobs = append(d.Jobs, j.row)
		}
	}
	for _, r := range f.rels {
		if r.at > v {
			d.Relationships = append(d.Relationships, r.row)
		}
	}
	slices.SortFunc(d.Jobs, func(a, b flow.Job) int { return cmp.Compare(a.ID, b.ID) })
	if v < 0 {
		return d
	}
	for id, at := range f.removed {
		if at > v {
			d.RemovedJobs = append(d.RemovedJobs, id)
		}
	}
	for k, at := range f.removedRels {
		if at > v {
			d.RemovedRelationships = append(d.RemovedRelationships, k)
		}
	}
	return d
}

func (s *store) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flows, id)
}

// expire forgets the tombstones of a flow: cursors before now are no longer known.
func (s *store) expire(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flows[id]; f != nil {
		f.floor = f.cursor.Version
		clear(f.removed)
		clear(f.removedRels)
	}
}

func (s *store) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// awaitPolls waits until cursors were asked for n times more.
func (s *store) awaitPolls(n int) { s.pollsFromNow(n)() }

// pollsFromNow is awaitPolls for who has first to begin what makes them.
func (s *store) pollsFromNow(n int) (await func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := s.polls + n
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for s.polls < until {
			s.polled.Wait()
		}
	}
}

func (s *store) deploy(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deployments[id] = flow.Deployment{ID: id}
}

// state is what a client should see of the flow now.
func (s *store) state(id string) state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flows[id]; f != nil {
		return s.history[f.cursor]
	}
	return stateOf(flow.EmptySnapshot(s.deployments[id]))
}

func (s *store) at(c flow.Cursor) state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history[c]
}

func (s *store) readsFrom(c flow.Cursor) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[c]
}

// ChangedSince implements feed.Reader.
func (s *store) ChangedSince(ctx context.Context, id string, since flow.Cursor) (flow.Delta, error) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil && since == flow.NoCursor {
		select {
		case <-hold:
		case <-ctx.Done():
			return flow.Delta{}, errAway
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads[since]++
	f := s.flows[id]
	switch {
	case s.away || s.unreadable || ctx.Err() != nil:
		return flow.Delta{}, errAway
	case f == nil:
		return flow.Delta{}, flow.NotFoundf("flow-not-found", "no flow %s", id)
	case since.Epoch != f.cursor.Epoch, since.Version < f.floor, since.Version > f.cursor.Version:
		d := f.since(-1)
		d.From, d.Reset = since, true
		return d, nil
	}
	d := f.since(since.Version)
	d.From = since
	return d, nil
}

// Cursors implements feed.Reader.
func (s *store) Cursors(_ context.Context, ids []string) (map[string]flow.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	s.polled.Broadcast()
	if s.away {
		return nil, errAway
	}
	found := map[string]flow.Cursor{}
	for _, id := range ids {
		if f := s.flows[id]; f != nil {
			found[id] = f.cursor
		}
	}
	return found, nil
}

// Deployment implements feed.Reader.
func (s *store) Deployment(_ context.Context, id string) (flow.Deployment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return flow.Deployment{}, errAway
	}
	if d, ok := s.deployments[id]; ok {
		return d, nil
	}
	return flow.Deployment{}, flow.NotFoundf("deployment-not-found", "no deployment %s", id)
}

func stateOf(m flow.SnapshotMessage) state {
	body, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	st := newState()
	st.apply(flow.TypeSnapshot, body)
	return st
}

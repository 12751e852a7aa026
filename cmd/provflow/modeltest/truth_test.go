package modeltest

import (
	"context"
	"encoding/json"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/service/flow"
)

// truth is what the database held, step by step, read past everything that is tested.
type truth struct {
	t      rapid.TB
	store  *db.Store
	id     string
	at     flow.Cursor
	lives  []string // the epochs in their order, "" while there was no flow
	states map[flow.Cursor]state
	known  []flow.Cursor // the keys of states, as they came
}

func newTruth(t rapid.TB, store *db.Store, id string) *truth {
	u := &truth{t: t, store: store, id: id, states: map[flow.Cursor]state{}}
	if _, err := store.PutDeployment(context.Background(), id, flow.DeploymentChange{}); err != nil {
		t.Fatal(err)
	}
	u.observe()
	return u
}

// observe reads the flow after a step and checks what a step may do to it.
func (u *truth) observe() {
	u.t.Helper()
	before := u.at
	at, now := u.read()
	u.at = at
	if len(u.lives) == 0 || u.lives[len(u.lives)-1] != at.Epoch {
		u.lives = append(u.lives, at.Epoch)
	} else if at.Version < before.Version {
		u.t.Fatalf("the flow went from %v back to %v", before, at)
	}
	u.note(at, now)
}

// note holds a state to what is known of that cursor.
func (u *truth) note(at flow.Cursor, now state) {
	u.t.Helper()
	was, known := u.states[at]
	if !known {
		u.states[at] = now.clone()
		u.known = append(u.known, at)
	} else if was.String() != now.String() {
		u.t.Fatalf("at %v:\n%v\nand before at the same cursor:\n%v", at, now, was)
	}
}

func (u *truth) read() (flow.Cursor, state) {
	u.t.Helper()
	d, err := u.store.ChangedSince(context.Background(), u.id, flow.NoCursor)
	if flow.CodeOf(err) == flow.NotFound {
		var record flow.Deployment
		record, err = u.store.Deployment(context.Background(), u.id)
		return flow.NoCursor, u.fold(flow.EmptySnapshot(record), err)
	}
	return d.To, u.fold(flow.Snapshot(d), err)
}

func (u *truth) fold(m flow.SnapshotMessage, err error) state {
	u.t.Helper()
	s := newState()
	if err == nil {
		var data []byte
		if data, err = json.Marshal(m); err == nil {
			err = s.apply(flow.TypeSnapshot, data)
		}
	}
	if err != nil {
		u.t.Fatalf("reading the flow: %v", err)
	}
	return s
}

// lifeOf finds a cursor's life, not before one; -1 where there is none.
func (u *truth) lifeOf(at flow.Cursor, notBefore int) int {
	for i := max(notBefore, 0); i < len(u.lives); i++ {
		if u.lives[i] == at.Epoch {
			return i
		}
	}
	return -1
}

// deltas: from every cursor of this life the changes since lead to what is there now.
func (u *truth) deltas() {
	u.t.Helper()
	for _, since := range u.known {
		if since.Epoch != u.at.Epoch || since == flow.NoCursor {
			continue
		}
		d, err := u.store.ChangedSince(context.Background(), u.id, since)
		if err != nil {
			u.t.Fatal(err)
		}
		s := u.states[since].clone()
		if d.Reset {
			s = u.fold(flow.Snapshot(d), nil)
		} else {
			u.applyAll(&s, d)
		}
		u.note(d.To, s)
	}
}

func (u *truth) applyAll(s *state, d flow.Delta) {
	u.t.Helper()
	for _, m := range flow.Messages(u.id, d) {
		data, err := json.Marshal(m.Body)
		if err == nil {
			err = s.apply(m.Event, data)
		}
		if err != nil {
			u.t.Fatalf("the changes since %v: %v", d.From, err)
		}
	}
}

package record_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// said is an observation that only says that it was applied.
type said func()

// Apply implements bridge.Observation.
func (s said) Apply(*bridge.Ledger) { s() }

// moodyStore remembers what was stored of each flow. Transactions of several flows leave some
// out, or fail, as its script says; of one flow it refuses everything in the end.
type moodyStore struct {
	script []bool // whether a flow is taken, whether a transaction commits

	mu      sync.Mutex
	refused string
	shared  int
	open    map[string][]string // what is decided of flows that are in a transaction
	stored  map[string][]string
}

func (s *moodyStore) Record(_ context.Context, w flow.Write) (flow.Cursor, error) {
	if err := s.begin(w); err != nil {
		return flow.NoCursor, err
	}
	time.Sleep(time.Millisecond)
	return s.end(w, w.FlowID != s.refused)
}

func (s *moodyStore) RecordTogether(_ context.Context, ws []flow.Write) ([]flow.Cursor, error) {
	commits, ats, taken := s.mood(), make([]flow.Cursor, len(ws)), make([]bool, len(ws))
	for i, w := range ws {
		if taken[i] = s.mood(); taken[i] {
			if err := s.begin(w); err != nil {
				return nil, err
			}
			commits = commits && w.FlowID != s.refused
		}
	}
	time.Sleep(time.Millisecond)
	for i, w := range ws {
		if taken[i] {
			ats[i], _ = s.end(w, commits)
		}
	}
	if !commits {
		return nil, &flow.Error{Code: flow.Unavailable}
	}
	return ats, nil
}

func (s *moodyStore) mood() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared++
	return s.script[s.shared%len(s.script)]
}

// begin fails when another transaction is at the flow.
func (s *moodyStore) begin(w flow.Write) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.open[w.FlowID]; open {
		return errors.New("two transactions are at one flow")
	}
	s.open[w.FlowID] = nil
	fresh := slices.Repeat([]bool{true}, len(w.Keys))
	w.Decide(flow.State{}, fresh)
	return nil
}

func (s *moodyStore) end(w flow.Write, commits bool) (flow.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := s.open[w.FlowID]
	delete(s.open, w.FlowID)
	if !commits {
		return flow.NoCursor, &flow.Error{Code: flow.Conflict}
	}
	s.stored[w.FlowID] = append(s.stored[w.FlowID], done...)
	return flow.Cursor{Epoch: "e", Version: int64(len(s.stored[w.FlowID]))}, nil
}

// Whatever flows share a transaction, are left out of it or fail with it: what is sent to a
// flow is stored once and in its order, and what is refused of one flow costs no other.
func TestFlowsThatShareTransactionsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	shared := 0
	rapid.Check(t, func(rt *rapid.T) {
		store := &moodyStore{open: map[string][]string{}, stored: map[string][]string{}}
		store.script = append(rapid.SliceOfN(rapid.Bool(), 1, 20).Draw(rt, "script"), true)
		to := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 40).Draw(rt, "flows")
		pause := rapid.SliceOfN(rapid.Bool(), len(to), len(to)).Draw(rt, "pauses")
		options := record.Options{Logger: slog.New(slog.DiscardHandler), BatchSize: 8, Transactions: rapid.IntRange(1, 3).Draw(rt, "transactions")}
		want := map[string][]string{}
		synctest.Test(t, func(t *testing.T) {
			r := record.New(store, deaf{}, options)
			send := func(id, what string) {
				o := said(func() { store.open[id] = append(store.open[id], what) })
				if _, err := r.Record(t.Context(), id, []record.Item{{Observation: o}}); (err != nil) != (id == store.refused) {
					t.Errorf("%s to %s: %v", what, id, err)
				}
			}
			for i := range 5 { // who was never written does not share
				send(fmt.Sprint("f", i), "first")
				want[fmt.Sprint("f", i)] = []string{"first"}
			}
			store.refused = "f0"
			for i, f := range to {
				id := fmt.Sprint("f", f)
				go send(id, fmt.Sprint(i))
				if synctest.Wait(); pause[i] {
					time.Sleep(700 * time.Microsecond)
				}
				if id != store.refused {
					want[id] = append(want[id], fmt.Sprint(i))
				}
			}
			r.Close()
		})
		shared += store.shared
		for id, list := range want {
			if !slices.Equal(store.stored[id], list) {
				rt.Errorf("%s: stored %q, want %q", id, store.stored[id], list)
			}
		}
	})
	if shared == 0 {
		t.Error("no transaction was shared")
	}
}

// Many writers of many flows need few transactions.
func TestFlowsThatWaitShareATransaction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		r := record.New(store, deaf{}, record.Options{Transactions: 2})
		write := func(i int) {
			if _, err := r.Record(t.Context(), fmt.Sprint("f", i), []record.Item{{}}); err != nil {
				t.Error(err)
			}
		}
		for i := range 16 {
			write(i)
		}
		store.sizes = nil
		var writers sync.WaitGroup
		for i := range 16 {
			writers.Go(func() {
				for range 20 {
					write(i)
				}
			})
		}
		writers.Wait()
		r.Close()
		if n := len(store.sizes); n > 60 { // of 320 writes
			t.Errorf("%d transactions of %v", n, store.sizes)
		}
	})
}

package record_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// slowStore takes ten milliseconds for a transaction and notes how many writes each had.
type slowStore struct {
	mu    sync.Mutex
	sizes []int
}

func (s *slowStore) Record(_ context.Context, w flow.Write) (flow.Cursor, error) {
	time.Sleep(10 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, len(w.Keys))
	w.Decide(flow.State{}, make([]bool, len(w.Keys)))
	return flow.Cursor{Epoch: "e"}, nil
}

// RecordTogether takes as long, and leaves nothing out.
func (s *slowStore) RecordTogether(ctx context.Context, ws []flow.Write) ([]flow.Cursor, error) {
	var all flow.Write
	for _, w := range ws {
		all.Keys = append(all.Keys, w.Keys...)
	}
	all.Decide = func(flow.State, []bool) flow.Changes {
		for _, w := range ws {
			w.Decide(flow.State{}, make([]bool, len(w.Keys)))
		}
		return flow.Changes{}
	}
	at, err := s.Record(ctx, all)
	return slices.Repeat([]flow.Cursor{at}, len(ws)), err
}

type deaf struct{}

func (deaf) Announce(string) {}

// Writers that send the next one when the last is acknowledged share every transaction,
// and do not split into one that is early and all others.
func TestWritersThatComeBackShareTheNextTransaction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		r := record.New(store, deaf{}, record.Options{})
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Go(func() {
				for range 20 {
					if _, err := r.Record(t.Context(), "f", []record.Item{{}}); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Duration(w) * 100 * time.Microsecond) // on its way
				}
			})
		}
		writers.Wait()
		r.Close()
		if n := len(store.sizes); n > 22 { // 20, and who came first and who was last
			t.Errorf("%d transactions of %v", n, store.sizes)
		}
	})
}

func TestALoneWriterIsNotHeldUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := record.New(&slowStore{}, deaf{}, record.Options{})
		begun := time.Now()
		for range 10 {
			if _, err := r.Record(t.Context(), "f", []record.Item{{}}); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took != 100*time.Millisecond { // of the test's own clock
			t.Errorf("took %v", took)
		}
		r.Close()
	})
}

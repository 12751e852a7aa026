package record_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// guardedStore refuses what is fenced by another term than the second.
type guardedStore struct{ slowStore }

func (s *guardedStore) Record(ctx context.Context, w flow.Write) (flow.Cursor, error) {
	if slices.ContainsFunc(w.Fences, func(f flow.Fence) bool { return f.Term != 2 }) {
		time.Sleep(10 * time.Millisecond)
		return flow.NoCursor, &flow.Error{Code: flow.Conflict, Slug: "term-over"}
	}
	return s.slowStore.Record(ctx, w)
}

// A writer whose term is over is refused, and nobody who shared its transaction.
func TestAStaleTermCostsOthersNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &guardedStore{}
		r := record.New(store, deaf{}, record.Options{Logger: slog.New(slog.DiscardHandler)})
		want := map[int64]flow.Code{0: "", 1: flow.Conflict, 2: ""}
		var writers sync.WaitGroup
		for range 4 {
			for term, code := range want {
				writers.Go(func() {
					_, err := r.Record(t.Context(), "f", []record.Item{{Fence: flow.Fence{Term: term}}})
					if err == nil && code != "" || err != nil && flow.CodeOf(err) != code {
						t.Errorf("term %d: %v", term, err)
					}
				})
			}
		}
		writers.Wait()
		r.Close()
		written := 0
		for _, n := range store.sizes {
			written += n
		}
		if written != 8 {
			t.Errorf("%d were written", written)
		}
	})
}

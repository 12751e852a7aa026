package db_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

// Two replicas are sent the same events in opposite orders, for a flow that neither has
// made yet: there is no row to wait for, and each claims keys that the other wants.
func TestWritersOfTheSameKeysWaitOneWayOnly(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	keys := make([]flow.Fingerprint, 500)
	for i := range keys {
		binary.BigEndian.PutUint64(keys[i][:], uint64(i))
	}
	backwards := slices.Clone(keys)
	slices.Reverse(backwards)
	for i := range 20 {
		var writers sync.WaitGroup
		for _, order := range [][]flow.Fingerprint{keys, backwards} {
			writers.Go(func() {
				_, err := store.Record(t.Context(), flow.Write{
					FlowID: fmt.Sprint("d", i), Keys: order, Decide: func(flow.State, []bool) flow.Changes { return flow.Changes{} },
				})
				if err != nil {
					t.Errorf("flow %d: %v", i, err)
				}
			})
		}
		writers.Wait()
	}
}

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

// A flow that an emitter has made gets its record from two sides at once, from who puts it and
// from who sends the first provisioner event, while somebody deletes both.
func TestRecordsAndFlowsAreLockedOneWayOnly(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	nothing := func(flow.State, []bool) flow.Changes { return flow.Changes{} }
	for i := range 40 {
		id := fmt.Sprint("d", i)
		put(t, store, id, func(*flow.Graph) {})
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := store.Record(t.Context(), flow.Write{FlowID: id, Deployment: true, Decide: nothing}); flow.CodeOf(err) == flow.Unavailable {
				t.Errorf("writing %s: %v", id, err)
			}
		})
		both.Go(func() {
			if _, err := store.PutDeployment(t.Context(), id, flow.DeploymentChange{Regions: []string{"fsn1"}}); flow.CodeOf(err) == flow.Unavailable {
				t.Errorf("putting %s: %v", id, err)
			}
		})
		if i%2 == 0 {
			both.Go(func() {
				if err := store.DeleteDeployment(t.Context(), id); flow.CodeOf(err) == flow.Unavailable {
					t.Errorf("deleting %s: %v", id, err)
				}
			})
		}
		both.Wait()
	}
}

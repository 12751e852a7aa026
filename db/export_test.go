package db_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// However many take an archive and are slow about it, the others are served: more of them
// than the pool has connections.
func TestSlowReadersOfArchivesLeaveConnectionsToOthers(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	put(t, store, "d1", func(*flow.Graph) {})
	var readers sync.WaitGroup
	goOn, reading := make(chan struct{}), make(chan struct{}, 100)
	most := int(store.Pool().Config().MaxConns)
	for range most + 2 {
		readers.Go(func() {
			var once sync.Once
			err := store.Export(context.Background(), "d1", func(flow.ArchiveRecord) error {
				once.Do(func() { reading <- struct{}{} })
				<-goOn
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-reading
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if err := store.Export(ctx, "d1", nil); flow.CodeOf(err) != flow.Unavailable {
		t.Errorf("who left while he waited: %v", err)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	for range 20 { // by then all readers have asked for a connection
		if _, err := store.Record(ctx, flow.Write{FlowID: "d2", Decide: func(flow.State, []bool) flow.Changes { return flow.Changes{} }}); err != nil {
			t.Errorf("somebody else: %v", err)
			break
		}
	}
	close(goOn)
	readers.Wait()
}

package modeltest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/flow"
)

// Whatever happens, in whatever order: versions only grow, a delta follows on from where
// its reader stands or a whole snapshot comes, no client goes back in time, what is sent
// again changes nothing, and in the end every fold is what the database holds.
func TestEveryHistoryIsFollowed(t *testing.T) {
	dsn := dbtest.New(t)
	store, err := db.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	database := newDatabase(t, dsn)
	replicas := []*replica{newReplica(t, dsn, options(2, 1, -1)), newReplica(t, dsn, options(64, 1<<20, time.Minute))}
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		w := &world{replicas: replicas, database: database, truth: newTruth(t, store, fmt.Sprintf("m%d", run))}
		defer w.close()
		for _, r := range replicas {
			r.proxy.OnNotify(func(string) int { return 1 })
			w.clients = append(w.clients, subscribe(t, w.truth, r, flow.NoCursor))
		}
		t.Repeat(w.actions())
		w.end(t)
	})
}

// close leaves nothing behind for the next history, however this one ended.
func (w *world) close() {
	for _, c := range w.clients {
		c.close()
	}
	for _, r := range w.replicas {
		r.proxy.Refuse(false)
	}
	_, _ = w.truth.store.DeleteFlow(context.Background(), w.truth.id)
}

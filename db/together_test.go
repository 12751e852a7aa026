package db_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/service/flow"
)

// jobWrite puts a job, unless its key is known.
func jobWrite(flowID, job string, key byte) flow.Write {
	w := flow.Write{FlowID: flowID, Keys: []flow.Fingerprint{{key}}}
	w.Decide = func(s flow.State, fresh []bool) flow.Changes {
		if !fresh[0] {
			return flow.Changes{}
		}
		return flow.Changes{Jobs: []flow.Job{leaf(job, flow.Pending)}}
	}
	return w
}

// What is held by somebody else, or has to be made first, is left out and waits for nothing;
// its key is not taken for used.
func TestTogetherLeavesOutWhatIsNotFree(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	for _, id := range []string{"a", "b", "held"} {
		put(t, store, id, func(g *flow.Graph) { g.PutJob(leaf("first", flow.Pending)) })
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM flows WHERE flow_id = 'held' FOR NO KEY UPDATE`); err != nil {
		t.Fatal(err)
	}
	ofNobody := jobWrite("b", "no record", 2)
	ofNobody.Deployment = true
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // the other one never ends by itself
	defer cancel()
	ats, err := store.RecordTogether(ctx, []flow.Write{
		jobWrite("held", "x", 1), jobWrite("a", "x", 1), ofNobody, jobWrite("not there", "x", 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, version := range []int64{0, 2, 0, 0} {
		if ats[i].Version != version || (ats[i] == flow.NoCursor) != (version == 0) {
			t.Errorf("write %d: %+v, want version %d", i, ats[i], version)
		}
	}
	if _, err := conn.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	ats, err = store.RecordTogether(t.Context(), []flow.Write{jobWrite("held", "x", 1), jobWrite("a", "x", 1)})
	if err != nil || ats[0].Version != 2 || ats[1].Version != 2 {
		t.Errorf("a second time: %+v, %v", ats, err)
	}
	for _, id := range []string{"a", "held"} {
		if d := read(t, store, id, flow.NoCursor); len(d.Jobs) != 2 || d.To.Version != 2 {
			t.Errorf("%s at %+v: %+v", id, d.To, d.Jobs)
		}
	}
}

// Several who write the same flows, named in opposite orders, beside others who write one at
// a time: nobody fails, no version is missing or given twice.
func TestWritersTogetherDoNotStandInEachOthersWay(t *testing.T) {
	t.Parallel()
	store, _ := setup(t)
	ids := []string{"a", "b", "c", "d"}
	for _, id := range ids {
		put(t, store, id, func(g *flow.Graph) { g.PutJob(leaf("first", flow.Pending)) })
	}
	backwards := slices.Clone(ids)
	slices.Reverse(backwards)
	const each = 25
	var writers sync.WaitGroup
	for i, order := range [][]string{ids, backwards, ids, backwards} {
		writers.Go(func() {
			for n := range each {
				todo := make([]flow.Write, len(order))
				for k, id := range order {
					todo[k] = jobWrite(id, fmt.Sprint("j", i, "-", n), byte(i*each+n+1))
				}
				ats, err := store.RecordTogether(t.Context(), todo)
				for k, w := range todo {
					if err == nil && ats[k] == flow.NoCursor {
						_, err = store.Record(t.Context(), w)
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	for _, id := range ids {
		d := read(t, store, id, flow.NoCursor)
		if want := 1 + 4*each; len(d.Jobs) != want || d.To.Version != int64(want) {
			t.Errorf("%s: %d jobs at version %d, want %d of both", id, len(d.Jobs), d.To.Version, want)
		}
	}
}

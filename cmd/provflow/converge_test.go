package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// The listener's connection is killed and what is written meanwhile is not announced to
// this replica; subscribers converge all the same.
func TestSubscribersConvergeWhenTheListenerIsKilled(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	writer, reader := start(t, dsn), start(t, dsn)
	writer.post("d1", event(0, "tofu-init"))
	s := reader.stream("d1", "")
	s.until(reader, "d1")
	for i := range 5 {
		query[int64](t, dsn, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'provflow-listener' AND datname = current_database()`)
		writer.post("d1", component(float64(10+i), fmt.Sprint("x", i), "installing"))
		s.until(reader, "d1")
	}
	reader.waitReady()
}

// Every connection of every replica is cut, again and again, while events are posted:
// whatever was acknowledged is there, once, and the streams stay open and converge.
func TestPostgresGoneAndBack(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1", "")
	s := r.stream("d1", "")
	s.until(r, "d1")
	const n = 30
	for i := range n {
		if i%5 == 0 {
			query[int64](t, dsn, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		}
		line := component(float64(i), fmt.Sprint("x", i), "installed", "message", "done")
		eventually(t, "an acknowledgement", func() bool {
			return r.do("POST", "/api/v1/deployments/d1/provisioner-events", line).status == http.StatusOK
		})
	}
	s.until(r, "d1")
	if got := len(s.state.nodes); got != n+1 {
		t.Errorf("%d nodes, want %d and their group", got, n)
	}
	if got := query[int64](t, dsn, `SELECT count(*) FROM log_lines`); got != n {
		t.Errorf("%d lines, want %d", got, n)
	}
}

// Writers on two replicas repeat and reorder what they send; readers on both cut their
// streams anywhere and resume, some with a cursor from nowhere. At the end every fold is
// the snapshot.
func TestTheFoldOfAnyStreamIsTheSnapshot(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	replicas := []*replica{start(t, dsn), start(t, dsn)}
	for run := range 6 {
		foldRun(t, replicas, fmt.Sprint("fold-", run), rand.New(rand.NewPCG(7, uint64(run))))
	}
}

func foldRun(t *testing.T, replicas []*replica, id string, r *rand.Rand) {
	t.Helper()
	replicas[0].post(id, "")
	lines := scramble(r)
	var readers, writers sync.WaitGroup
	written := make(chan struct{})
	for range 4 {
		seed := r.Uint64()
		readers.Go(func() { readWithCuts(t, replicas, id, rand.New(rand.NewPCG(seed, 1)), written) })
	}
	for w := range 2 {
		part := slices.Clone(lines[w*len(lines)/2 : (w+1)*len(lines)/2])
		seed := r.Uint64()
		writers.Go(func() { writeInPieces(replicas, id, part, rand.New(rand.NewPCG(seed, 2))) })
	}
	writers.Wait()
	close(written)
	readers.Wait()
}

func writeInPieces(replicas []*replica, id string, lines []string, r *rand.Rand) {
	for len(lines) > 0 {
		n := min(len(lines), 1+r.IntN(5))
		replicas[r.IntN(len(replicas))].post(id, lines[:n]...)
		lines = lines[n:]
	}
}

// scramble is a provision's events with some repeated and some out of order.
func scramble(r *rand.Rand) []string {
	states := []string{"pending", "installing", "degraded", "installed", "failed"}
	lines := []string{event(0, "tofu-init"), event(5, "tofu-plan"), event(9, "tofu-apply"), event(10, "tofu", "message", "x")}
	for i := range 60 {
		fields := []string{"chartVersion", fmt.Sprint(r.IntN(2))}
		if r.IntN(3) == 0 {
			fields = append(fields, "dependsOn", fmt.Sprintf("c%d c%d", r.IntN(8), r.IntN(12)))
		}
		lines = append(lines, component(float64(10+i), fmt.Sprint("c", r.IntN(10)), states[r.IntN(len(states))], fields...))
	}
	for range 15 {
		lines = append(lines, lines[r.IntN(len(lines))])
		i, j := r.IntN(len(lines)), r.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
	}
	return lines
}

// readWithCuts reads a few frames, cuts the stream anywhere, and resumes on any replica
// with the cursor it holds, or with a foreign one.
func readWithCuts(t *testing.T, replicas []*replica, id string, r *rand.Rand, written <-chan struct{}) {
	t.Helper()
	state := newBrowser()
	for {
		from := replicas[r.IntN(len(replicas))]
		resume := state.cursor
		if r.IntN(10) == 0 {
			resume = "foreign.5"
		}
		s := from.stream(id, resume)
		s.state = state
		select {
		case <-written:
			s.until(from, id)
			return
		default:
		}
		for range r.IntN(4) {
			select {
			case f, ok := <-s.frames:
				if ok {
					state.fold(t, f)
				}
			case <-written:
			}
		}
		s.close()
	}
}

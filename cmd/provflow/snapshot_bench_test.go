package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// remembered is a reader that never asks the database for a cursor twice: what is served
// through it is served from memory, by the same handlers.
type remembered struct {
	feed.Reader
	cursors map[string]flow.Cursor
}

func (r remembered) Cursors(context.Context, []string) (map[string]flow.Cursor, error) {
	return maps.Clone(r.cursors), nil
}

// A snapshot is never older than the last write acknowledged on any replica, so each one
// asks the database for the flow's cursor. What that costs: the same handlers with the
// cursor from memory, and a handler that does nothing but write the same bytes.
func BenchmarkSnapshot(b *testing.B) {
	dsn := durable(b)
	r, p := start(b, dsn), wired(b, dsn)
	served := serving(b, p.handler())
	for _, jobs := range []int{50, 500, 5000, 10_000} {
		id := fmt.Sprint("flow-", jobs)
		fill(b, r, id, jobs)
		path := "/api/v1/flows/" + id + "/snapshot"
		kept := *p
		kept.hub = feed.New(remembered{p.store, cursorsOf(b, p, id)}, feed.Options{})
		memory := serving(b, kept.handler())
		plain := serving(b, constant(r.get(path)))
		n := max(1, 5000/jobs/2)
		ways := func(connections, status int, request string) []way {
			return []way{
				{"memory", repeated(b, memory, connections, n, status, request)},
				{"snapshot", repeated(b, served, connections, n, status, request)},
				{"plain", repeated(b, plain, connections, n, status, request)},
			}
		}
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			compare(b, ways(8, http.StatusOK, get(path))...)
		})
		for _, connections := range []int{8, 64} {
			b.Run(fmt.Sprintf("jobs=%d/304/connections=%d", jobs, connections), func(b *testing.B) {
				compare(b, ways(connections, http.StatusNotModified, get(path, "If-None-Match: "+r.get(path).header.Get("ETag")))[:2]...)
			})
		}
	}
}

func cursorsOf(b *testing.B, p *parts, ids ...string) map[string]flow.Cursor {
	b.Helper()
	cursors, err := p.store.Cursors(b.Context(), ids)
	if err != nil {
		b.Fatal(err)
	}
	return cursors
}

// constant gives an answer again, byte by byte.
func constant(a answer) http.Handler {
	body := []byte(a.body)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), a.header)
		_, _ = w.Write(body)
	})
}

// repeated sends a request n times on each of some connections.
func repeated(b *testing.B, address string, connections, n, status int, request string) func() int {
	callers := newCallers(b, connections, address)
	return func() int {
		return inParallel(len(callers), n, func(w, _ int) { callers[w].call(status, request) })
	}
}

// The first snapshot after a change is read and encoded anew.
func BenchmarkSnapshotAfterAChange(b *testing.B) {
	dsn := durable(b)
	r, p := start(b, dsn), wired(b, dsn)
	for _, jobs := range []int{500, 10_000} {
		id, m := fmt.Sprint("changing-", jobs), &moves{component: "one-more"}
		fill(b, r, id, jobs)
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			var took []float64
			for range b.N {
				if err := recordOne(p.recorder, id, m.next()); err != nil {
					b.Fatal(err)
				}
				begun := time.Now()
				r.get("/api/v1/flows/" + id + "/snapshot")
				took = append(took, milliseconds(time.Since(begun).Nanoseconds()))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(took), "p50-ms")
		})
	}
}

// Roll-ups are stored with what changes them. Were they not, every reader of a flow would
// compute them, by the recursive query that `provflow check` compares them with.
func BenchmarkRollUps(b *testing.B) {
	dsn := durable(b)
	r, p := start(b, dsn), wired(b, dsn)
	for _, jobs := range []int{500, 5000} {
		id := fmt.Sprint("flow-", jobs)
		fill(b, r, id, jobs)
		read := func() int {
			if _, err := p.store.ChangedSince(b.Context(), id, flow.NoCursor); err != nil {
				b.Fatal(err)
			}
			return 1
		}
		computed := func() int {
			if differences, err := p.store.CheckRollUps(b.Context(), id); err != nil || len(differences) > 0 {
				b.Fatal(differences, err)
			}
			return read()
		}
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			compare(b, way{"computed", computed}, way{"stored", read})
		})
	}
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/record"
)

// stamping notes when a commit is announced, which is as soon as it is known.
type stamping struct {
	announcer
	at atomic.Int64
}

func (s *stamping) Announce(flowID string) {
	s.at.Store(time.Now().UnixNano())
	s.announcer.Announce(flowID)
}

// pace is longer than the windows in which changes are gathered (10 ms of a topic, 20 ms
// of the announcements), so that what is measured is the way and not the window.
const pace = 40 * time.Millisecond

// From a commit to the frame that shows it, over all of many subscribers over HTTP, of the
// replica that wrote and of another one; beside the least that could be there instead
// (see bareLoop), with as many subscribers. The two take turns.
func BenchmarkLive(b *testing.B) {
	dsn := durable(b)
	here, there := wired(b, dsn), wired(b, dsn)
	fill(b, start(b, dsn), "live", 50)
	said := &stamping{announcer: announcer{here.hub, here.notifier}}
	recorder := record.New(here.store, said, record.Options{Logger: slog.New(slog.DiscardHandler)})
	b.Cleanup(recorder.Close)
	bare := newBareLoop(b, dsn)
	m := &moves{component: "one-more"}
	for i, name := range []string{"same", "other"} {
		address := serving(b, []*parts{here, there}[i].handler())
		for _, n := range []int{1, 100, 1000} {
			audience, beside := subscribe(b, address, "live", n), subscribe(b, bare.address, "live", n)
			b.Run(fmt.Sprintf("replica=%s/subscribers=%d", name, n), func(b *testing.B) {
				var frames, heard []float64
				for range b.N {
					time.Sleep(pace)
					heard = append(heard, beside.latencies(b, bare.once(b))...)
					time.Sleep(pace)
					if err := recordOne(recorder, "live", m.next()); err != nil {
						b.Fatal(err)
					}
					frames = append(frames, audience.latencies(b, said.at.Load())...)
				}
				report(b, frames, heard)
			})
			audience.leave()
			beside.leave()
		}
	}
}

// A flow that was made this moment, and an old one among 20,000 others, beside one that is
// alone: from the commit to the frame, on the replica that wrote.
func BenchmarkLiveAmongManyFlows(b *testing.B) {
	dsn := durable(b)
	p := wired(b, dsn)
	said := &stamping{announcer: announcer{p.hub, p.notifier}}
	recorder := record.New(p.store, said, record.Options{Logger: slog.New(slog.DiscardHandler)})
	b.Cleanup(recorder.Close)
	address := serving(b, p.handler())
	once := func(id string, m *moves, a *audience) float64 {
		time.Sleep(pace)
		if err := recordOne(recorder, id, m.next()); err != nil {
			b.Fatal(err)
		}
		return a.latencies(b, said.at.Load())[0]
	}
	young := func(prefix string) func(i int) float64 {
		made := 0
		return func(int) float64 {
			made++ // over all runs of the benchmark: the flow of an earlier one is not new
			id, m := fmt.Sprint(prefix, made), &moves{component: "only"}
			if err := recordOne(recorder, id, m.next()); err != nil {
				b.Fatal(err)
			}
			a := subscribe(b, address, id, 1)
			defer a.leave()
			return once(id, m, a)
		}
	}
	old := func() func(i int) float64 {
		m := &moves{component: "only"}
		if err := recordOne(recorder, "old", m.next()); err != nil {
			b.Fatal(err)
		}
		a := subscribe(b, address, "old", 1)
		b.Cleanup(a.leave)
		return func(int) float64 { return once("old", m, a) }
	}()
	timed := func(name string, do func(i int) float64) {
		b.Run(name, func(b *testing.B) {
			var took, beside []float64
			for i := range b.N {
				beside = append(beside, old(i))
				took = append(took, do(i))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(took), "p50-ms")
			b.ReportMetric(median(took)/median(beside), "p50-ratio")
		})
	}
	timed("new", young("new-"))
	alone := make([]float64, 60)
	for i := range alone {
		alone[i] = old(i)
	}
	if _, err := p.store.Pool().Exec(b.Context(), `INSERT INTO flows (flow_id, epoch, created_at) SELECT 'other-' || n, 'e', now() FROM generate_series(1, 20000) n`); err != nil {
		b.Fatal(err)
	}
	timed("new/flows=20000", young("newer-"))
	b.Run("old/flows=20000", func(b *testing.B) {
		var took []float64
		for i := range b.N {
			took = append(took, old(i))
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(took)/median(alone), "p50-ratio")
	})
}

func report(b *testing.B, frames, heard []float64) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(frames, 0.5), "p50-ms")
	b.ReportMetric(quantile(frames, 0.99), "p99-ms")
	b.ReportMetric(quantile(heard, 0.5), "bare-p50-ms")
	b.ReportMetric(quantile(heard, 0.99), "bare-p99-ms")
	b.ReportMetric(quantile(frames, 0.5)/quantile(heard, 0.5), "p50-ratio")
}

func milliseconds(nanoseconds int64) float64 { return float64(nanoseconds) / 1e6 }

// audience is many subscribers to one flow.
type audience struct {
	members []*caller
	came    chan arrival // a new state came to one of them
	last    string       // id of the newest
}

type arrival struct {
	at int64
	id string
}

func subscribe(b *testing.B, address, flowID string, n int) *audience {
	b.Helper()
	return subscribeAt(b, address, flowID, n, "")
}

// subscribeAt resumes from an id, where one is given, and waits for everybody's first state.
func subscribeAt(b *testing.B, address, flowID string, n int, last string) *audience {
	b.Helper()
	a := &audience{newCallers(b, n, address), make(chan arrival, n), last}
	var header []string
	if last != "" {
		header = append(header, "Last-Event-ID: "+last)
	}
	for _, c := range a.members {
		if _, err := io.WriteString(c.conn, get("/api/v1/flows/"+flowID+"/stream", header...)); err != nil {
			b.Fatal(err)
		}
		go a.watch(c, last)
	}
	a.latencies(b, 0)
	return a
}

// watch notes when the id, which was that one, changes: of a batch only the last frame has
// the new one.
func (a *audience) watch(c *caller, id string) {
	in := bufio.NewReaderSize(c.conn, 2<<10) // there may be very many
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if next, found := strings.CutPrefix(line, "id: "); found && strings.TrimSpace(next) != id {
			id = strings.TrimSpace(next)
			a.came <- arrival{time.Now().UnixNano(), id}
		}
	}
}

// latencies waits for everybody and gives how long after that moment it came to each.
func (a *audience) latencies(b *testing.B, since int64) []float64 {
	b.Helper()
	all := make([]float64, len(a.members))
	for i := range all {
		select {
		case came := <-a.came:
			all[i], a.last = milliseconds(came.at-since), came.id
		case <-time.After(patience):
			b.Fatal("a subscriber waits in vain")
		}
	}
	return all
}

// cursor is the id of the newest state that came.
func (a *audience) cursor() string { return a.last }

func (a *audience) leave() {
	for _, c := range a.members {
		_ = c.conn.Close()
	}
}

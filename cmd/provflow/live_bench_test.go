package main

import (
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
	came    chan int64 // when a new state came to one of them
}

func subscribe(b *testing.B, address, flowID string, n int) *audience {
	b.Helper()
	a := &audience{newCallers(b, n, address), make(chan int64, n)}
	for _, c := range a.members {
		if _, err := io.WriteString(c.conn, get("/api/v1/flows/"+flowID+"/stream")); err != nil {
			b.Fatal(err)
		}
		go a.watch(c)
	}
	a.latencies(b, 0) // the snapshots
	return a
}

// watch notes when the id changes: of a batch only the last frame has the new one.
func (a *audience) watch(c *caller) {
	id := ""
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "id: ") && line != id {
			id = line
			a.came <- time.Now().UnixNano()
		}
	}
}

// latencies waits for everybody and gives how long after that moment it came to each.
func (a *audience) latencies(b *testing.B, since int64) []float64 {
	b.Helper()
	all := make([]float64, len(a.members))
	for i := range all {
		select {
		case at := <-a.came:
			all[i] = milliseconds(at - since)
		case <-time.After(patience):
			b.Fatal("a subscriber waits in vain")
		}
	}
	return all
}

func (a *audience) leave() {
	for _, c := range a.members {
		_ = c.conn.Close()
	}
}

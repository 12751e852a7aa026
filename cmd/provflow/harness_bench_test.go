package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/embedded"
	"github.com/openova-io/provflow/migrations"
)

// durable gives a migrated database on a server of the benchmark's own. It is as durable
// as PostgreSQL is by default (fsync and synchronous_commit on), unlike that of the tests.
func durable(b *testing.B) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := embedded.Start(ctx, embedded.Options{DataDir: dataDir(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Stop(context.Background()) })
	if err := migrations.Up(ctx, s.DSN()); err != nil {
		b.Fatal(err)
	}
	return s.DSN()
}

// wired gives the parts of a replica that runs on that database and serves nothing yet.
func wired(b *testing.B, dsn string) *parts {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p, err := wire(ctx, instance{database: &database{url: dsn, direct: dsn}, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{p.hub.Run, p.notifier.Run, p.listener.Run} {
		running.Go(func() { _ = run(ctx) })
	}
	b.Cleanup(func() {
		cancel()
		running.Wait()
		p.recorder.Close()
		p.store.Close()
	})
	return p
}

// serving gives the address of a handler.
func serving(b *testing.B, h http.Handler) string {
	b.Helper()
	socket, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(socket) }()
	b.Cleanup(func() { _ = server.Close() })
	return socket.Addr().String()
}

// way is one way of doing something; do does some of it and says how many times.
type way struct {
	name string
	do   func() int
}

// compare lets the ways take turns, so that whatever else the machine does meets all of
// them. It reports the median rate of each, and for each but the first the median, over
// the turns, of its rate in comparison with the first's.
func compare(b *testing.B, ways ...way) {
	b.Helper()
	rates := make([][]float64, len(ways))
	for turn := range b.N + 2 {
		for i := range ways {
			if turn%2 == 1 { // nobody always comes first
				i = len(ways) - 1 - i
			}
			begun := time.Now()
			n := ways[i].do()
			if rate := float64(n) / time.Since(begun).Seconds(); turn > 1 { // the first two warm up
				rates[i] = append(rates[i], rate)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, w := range ways {
		b.ReportMetric(median(rates[i]), w.name+"/s")
		if i > 0 {
			b.ReportMetric(median(quotients(rates[i], rates[0])), w.name+"-ratio")
		}
	}
}

func quotients(a, b []float64) []float64 {
	q := make([]float64, len(a))
	for i := range a {
		q[i] = a[i] / b[i]
	}
	return q
}

func median(v []float64) float64 { return quantile(v, 0.5) }

func quantile(v []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// inParallel does something n times on each of the workers, and says how often that is.
func inParallel(workers, n int, do func(worker, i int)) int {
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range n {
				do(w, i)
			}
		})
	}
	all.Wait()
	return workers * n
}

// caller sends one request over and over on a connection of its own. It does as little as
// it can: it shares the machine with what is measured.
type caller struct {
	b    *testing.B
	conn net.Conn
	in   *bufio.Reader // nil before the first call
}

func newCaller(b *testing.B, address string) *caller {
	b.Helper()
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return &caller{b: b, conn: conn}
}

func newCallers(b *testing.B, n int, address string) []*caller {
	b.Helper()
	callers := make([]*caller, n)
	for i := range callers {
		callers[i] = newCaller(b, address)
	}
	return callers
}

// call wants that status and gives the header.
func (c *caller) call(status int, request string) http.Header {
	if c.in == nil {
		c.in = bufio.NewReaderSize(c.conn, 64<<10)
	}
	if _, err := io.WriteString(c.conn, request); err != nil {
		c.b.Error(err)
		return nil
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.b.Error(err)
		return nil
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != status {
		c.b.Errorf("%s after %d bytes: %v", res.Status, n, err)
	}
	return res.Header
}

// get writes a request without a body.
func get(path string, header ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + strings.Join(append(header, "", ""), "\r\n")
}

// fill makes a flow of that many jobs in nested groups, with an edge or two for each.
func fill(b *testing.B, r *replica, id string, jobs int) {
	b.Helper()
	lines := []string{event(0, "tofu-init"), event(1, "cluster-bootstrap")}
	for i := range jobs {
		region := i % 8
		fields := []string{"chartVersion", "1.2.3", "dependsOn", fmt.Sprintf("chart-%d chart-%d", max(i-8, 0), max(i-64, 0))}
		if region > 0 {
			fields = append(fields, "region", fmt.Sprint("region-", region))
		}
		lines = append(lines, component(float64(2+i), fmt.Sprint("chart-", i), []string{"installed", "installing", "pending"}[i%3], fields...))
	}
	for part := range slices.Chunk(lines, 500) {
		r.post(id, part...)
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/record"
)

// moves gives one event after another of one component; each changes its state, begins or
// ends an execution, and leaves a line of log.
type moves struct {
	component string
	n         int
}

func (m *moves) next() bridge.Event {
	m.n++
	state := []string{"installed", "installing"}[m.n%2]
	return bridge.Event{
		Time: noon.Add(time.Duration(m.n) * time.Second), Phase: "component", Level: "info", Component: m.component,
		State: state, Message: "Helm install of the chart went on", ChartVersion: fmt.Sprint("1.0.", (m.n+1)/2),
	}
}

// say gives a line of log of the component's open execution.
func (m *moves) say() bridge.Event {
	if m.n == 0 {
		return m.next()
	}
	m.n++
	return bridge.Event{
		Time: noon.Add(time.Duration(m.n) * time.Second), Phase: "component-log", Level: "info", Component: m.component,
		Message: "Helm install of the chart went on",
	}
}

// movers gives each writer a component of its own.
func movers(name string, n int) []*moves {
	all := make([]*moves, n)
	for i := range all {
		all[i] = &moves{component: fmt.Sprint(name, "-", i)}
	}
	return all
}

func line(e bridge.Event) string {
	return fmt.Sprintf(`{"time":%q,"phase":%q,"level":%q,"component":%q,"message":%q,"state":%q,"chartVersion":%q}`,
		e.Time.Format(time.RFC3339Nano), e.Phase, e.Level, e.Component, e.Message, e.State, e.ChartVersion)
}

// load is how many write, to how many flows, and how often each of them in a turn.
type load struct{ writers, flows, n int }

func (l load) flow(kind string, writer, i int) string {
	return fmt.Sprintf("%s-w%d-f%d-%d", kind, l.writers, l.flows, (writer+i*l.writers)%l.flows)
}

// Recorded events, each acknowledged once it is durable, beside bare commits of one row by
// as many writers on as many connections: in the process, posted one by one, and posted in
// bodies of 50, state changes and lines of log.
func BenchmarkRecord(b *testing.B) {
	dsn := durable(b)
	r, p := start(b, dsn), wired(b, dsn)
	for _, l := range []load{{1, 1, 128}, {8, 1, 16}, {32, 1, 16}, {8, 50, 16}, {32, 50, 16}} {
		bare, done := bareCommits(b, dsn, l)
		ways := []way{
			bare, recorded(b, p, l),
			posted(b, r, "posted", l, 1, (*moves).next),
			posted(b, r, "bodies", l, 50, (*moves).next),
			posted(b, r, "lines", l, 50, (*moves).say),
		}
		b.Run(fmt.Sprintf("writers=%d/flows=%d", l.writers, l.flows), func(b *testing.B) { compare(b, ways...) })
		done()
	}
}

func bareCommits(b *testing.B, dsn string, l load) (bare way, done func()) {
	b.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	config.MinConns, config.MaxConns = int32(l.writers), int32(l.writers)
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	exec := func(sql string, args ...any) {
		if _, err := pool.Exec(context.Background(), sql, args...); err != nil {
			b.Error(err)
		}
	}
	exec(`CREATE TABLE IF NOT EXISTS bare (flow_id text, at timestamptz, component text, state text, message text)`)
	return way{"bare", func() int {
		return inParallel(l.writers, l.n, func(w, i int) {
			exec(`INSERT INTO bare VALUES ($1, $2, $3, $4, $5)`, fmt.Sprint("flow-", w), noon, fmt.Sprint("c-", i), "installing", "Helm install of the chart went on")
		})
	}}, pool.Close
}

func recorded(b *testing.B, p *parts, l load) way {
	b.Helper()
	all := movers("c", l.writers)
	return way{"recorded", func() int {
		return inParallel(l.writers, l.n, func(w, i int) {
			if err := recordOne(p.recorder, l.flow("recorded", w, i), all[w].next()); err != nil {
				b.Error(err)
			}
		})
	}}
}

func recordOne(r *record.Recorder, id string, e bridge.Event) error {
	_, err := r.Record(context.Background(), id, []record.Item{{Observation: e, Key: bridge.NewFingerprints("").Of(e), OfDeployment: true}})
	return err
}

// posted sends so many events in a request.
func posted(b *testing.B, r *replica, name string, l load, events int, next func(*moves) bridge.Event) way {
	b.Helper()
	all := movers("c", l.writers)
	callers := newCallers(b, l.writers, strings.TrimPrefix(r.url, "http://"))
	post := func(w, i int) {
		lines := make([]string, events)
		for j := range lines {
			lines[j] = line(next(all[w]))
		}
		body := strings.Join(lines, "\n")
		callers[w].call(http.StatusOK, fmt.Sprintf("POST /api/v1/deployments/%s/provisioner-events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s",
			l.flow(name, w, i), len(body), body))
	}
	n := (l.n + events - 1) / events
	return way{name, func() int { return events * inParallel(l.writers, n, post) }}
}

// One event more, in deployments of more and more jobs.
func BenchmarkRecordAmongManyJobs(b *testing.B) {
	dsn := durable(b)
	r, p := start(b, dsn), wired(b, dsn)
	var ways []way
	for _, jobs := range []int{50, 500, 2000} {
		id, m := fmt.Sprint("jobs-", jobs), &moves{component: "one-more"}
		fill(b, r, id, jobs)
		ways = append(ways, way{fmt.Sprint("jobs=", jobs), func() int {
			return inParallel(1, 20, func(_, _ int) {
				if err := recordOne(p.recorder, id, m.next()); err != nil {
					b.Error(err)
				}
			})
		}})
	}
	compare(b, ways...)
}

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

// movers gives each writer a component of its own.
func movers(name string, n int) []*moves {
	all := make([]*moves, n)
	for i := range all {
		all[i] = &moves{component: fmt.Sprint(name, "-", i)}
	}
	return all
}

func line(e bridge.Event) string {
	return fmt.Sprintf(`{"time":%q,"phase":%q,"level":%q,"component":%q,"state":%q,"message":%q,"chartVersion":%q}`,
		e.Time.Format(time.RFC3339Nano), e.Phase, e.Level, e.Component, e.State, e.Message, e.ChartVersion)
}

// Events that are recorded one by one, each acknowledged once it is durable, beside bare
// commits of one row by as many writers on as many connections.
func BenchmarkRecord(b *testing.B) {
	dsn := durable(b)
	r, p := start(b, dsn), wired(b, dsn)
	for _, c := range []struct{ writers, flows int }{{1, 1}, {8, 1}, {32, 1}, {8, 50}, {32, 50}} {
		name := fmt.Sprintf("w%d-f%d", c.writers, c.flows)
		n := max(16, 128/c.writers)
		bare, done := bareCommits(b, dsn, c.writers, n)
		ways := []way{
			bare,
			recorded(b, p, name, c.writers, c.flows, n),
			posted(b, r, name+"-ones", c.writers, c.flows, n, 1),
			posted(b, r, name+"-bodies", c.writers, c.flows, max(1, n/8), 50),
		}
		b.Run(fmt.Sprintf("writers=%d/flows=%d", c.writers, c.flows), func(b *testing.B) { compare(b, ways...) })
		done()
	}
}

func bareCommits(b *testing.B, dsn string, writers, n int) (bare way, done func()) {
	b.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	config.MinConns, config.MaxConns = int32(writers), int32(writers)
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
		return inParallel(writers, n, func(w, i int) {
			exec(`INSERT INTO bare VALUES ($1, $2, $3, $4, $5)`, fmt.Sprint("flow-", w), noon, fmt.Sprint("c-", i), "installing", "Helm install of the chart went on")
		})
	}}, pool.Close
}

func recorded(b *testing.B, p *parts, name string, writers, flows, n int) way {
	b.Helper()
	all := movers("c", writers)
	return way{"recorded", func() int {
		return inParallel(writers, n, func(w, i int) {
			id := fmt.Sprintf("%s-%d", name, (w+i*writers)%flows)
			if err := recordOne(p.recorder, id, all[w].next()); err != nil {
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
func posted(b *testing.B, r *replica, name string, writers, flows, n, events int) way {
	b.Helper()
	all := movers("c", writers)
	callers := newCallers(b, writers, strings.TrimPrefix(r.url, "http://"))
	post := func(w, i int) {
		lines := make([]string, events)
		for j := range lines {
			lines[j] = line(all[w].next())
		}
		body := strings.Join(lines, "\n")
		callers[w].call(http.StatusOK, fmt.Sprintf("POST /api/v1/deployments/%s-%d/provisioner-events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s",
			name, (w+i*writers)%flows, len(body), body))
	}
	return way{fmt.Sprint("posted-", events), func() int { return events * inParallel(writers, n, post) }}
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

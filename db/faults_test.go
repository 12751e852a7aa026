package db_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/dbtest/faultproxy"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// operation is something asked of the store. It is done on a thing of its own, known by
// an id, once without faults and then with every fault in every one of its trips.
type operation struct {
	name  string
	reads bool // it has no effect, so that what it finds is laid out once
	alone bool // in a database of its own, all of which it is about
	// before lays out what the operation finds; nothing goes wrong there.
	before func(s *subject) error
	// do gives what the caller is told; nil where a repeated call may be told something else.
	do func(ctx context.Context, s *subject) (any, error)
	// done recognises a refusal that says: it has had its effect already.
	done func(error) bool
}

// subject is what one run of an operation is done on.
type subject struct {
	id     string
	store  *db.Store
	beside string // another flow that is written in the same transactions
	cancel atomic.Pointer[context.CancelFunc]
}

// interruptible gives a context that a fault can end.
func (s *subject) interruptible(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	s.cancel.Store(&cancel)
	return ctx
}

func (s *subject) interrupt() { (*s.cancel.Load())() }

// Record lets a fault end the recorder's own transactions, which no caller can.
func (s *subject) Record(ctx context.Context, w flow.Write) (flow.Cursor, error) {
	if s.beside == "" {
		return s.store.Record(s.interruptible(ctx), w)
	}
	other := flow.Write{FlowID: s.beside, Decide: func(flow.State, []bool) flow.Changes {
		return flow.Changes{Transitions: []flow.Transition{{JobID: "j", From: flow.Pending, To: flow.Pending, OccurredAt: noon}}}
	}}
	ats, err := s.RecordTogether(ctx, []flow.Write{other, w})
	if err == nil && ats[1] == flow.NoCursor { // left out: who lost the connection still holds it
		return s.store.Record(s.interruptible(ctx), w)
	}
	return ats[1], err
}

// RecordTogether implements record.Store.
func (s *subject) RecordTogether(ctx context.Context, ws []flow.Write) ([]flow.Cursor, error) {
	return s.store.RecordTogether(s.interruptible(ctx), ws)
}

// Announce implements record.Announcer.
func (s *subject) Announce(string) {}

// recorder is a replica that knows nothing of the flow yet.
func (s *subject) recorder() *record.Recorder {
	return record.New(s, s, record.Options{Timeout: 5 * time.Second})
}

// bench is where one operation is tried: a store behind a proxy, and a way past it.
type bench struct {
	t     *testing.T
	op    operation
	proxy *faultproxy.Proxy
	store *db.Store
	calm  *db.Store // past the proxy
	past  *pgx.Conn
	sent  *statements // by store

	prefix string // of the ids: all benches share a database
	things int    // that were laid out
}

// Every trip of every operation meets every kind of fault. What is asked again until it
// is answered has had its effect once, and the answer is the one of an untroubled run.
func TestEveryTripOfEveryOperationMeetsEveryFault(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	everyTable(t, dsn)
	all := &met{queries: map[string]bool{}}
	t.Cleanup(func() {
		noTransactionIsLeftOpen(t, dsn)
		all.everyQuery(t)
	})
	for i, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			dsn := dsn
			if op.alone {
				dsn = dbtest.New(t)
			}
			b := newBench(t, op, dsn, fmt.Sprintf("f%02d", i))
			b.run(faultproxy.Fault{}) // makes the connection and prepares its statements
			b.sent.take()
			answer, effect := b.run(faultproxy.Fault{})
			all.add(b.sent.take())
			for _, kind := range faultproxy.Kinds {
				b.throughAllTrips(kind, answer, effect)
			}
			if n := b.store.Pool().Stat().AcquiredConns(); n != 0 {
				t.Errorf("%d connections were not given back", n)
			}
		})
	}
}

func newBench(t *testing.T, op operation, dsn, prefix string) *bench {
	t.Helper()
	b := &bench{t: t, op: op, prefix: prefix, proxy: dbtest.Proxy(t, dsn), sent: &statements{names: map[string]bool{}}}
	var err error
	if b.past, err = pgx.Connect(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.past.Close(context.Background()) })
	// One connection, so that the trips come in the same order every time.
	single := func(c *pgxpool.Config) { c.MaxConns, c.MinIdleConns = 1, 0 }
	open := func(dsn string, options ...db.Option) *db.Store {
		s, err := db.Open(t.Context(), dsn, func() time.Time { return noon }, append(options, single)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	b.store, b.calm = open(b.proxy.DSN(), db.WithTracer(b.sent)), open(dsn)
	return b
}

// throughAllTrips lets the first trip fail, then the second, until there is none left.
func (b *bench) throughAllTrips(kind faultproxy.Kind, answer any, effect string) {
	b.t.Helper()
	for trip, met := 1, true; met; trip++ {
		var got any
		got, now := b.run(faultproxy.Fault{Trip: trip, Kind: kind, Delay: 5 * time.Millisecond})
		_, met = b.proxy.Disarm()
		if trip == 1 && !met {
			b.t.Fatal("there was no trip at all: the fault was not met")
		}
		if now != effect {
			b.t.Errorf("%s in trip %d: the effect is\n%s\nwant\n%s", kind, trip, now, effect)
		}
		if got != nil && !reflect.DeepEqual(got, answer) {
			b.t.Errorf("%s in trip %d: the answer is %+v, want %+v", kind, trip, got, answer)
		}
	}
}

// run does the operation once, on something new where it has an effect, and says what came of it.
func (b *bench) run(f faultproxy.Fault) (answer any, effect string) {
	b.t.Helper()
	s := &subject{id: fmt.Sprintf("%s%04d", b.prefix, b.things), store: b.store}
	if b.things == 0 || !b.op.reads {
		s.id = b.layOut()
	}
	f.Then = s.interrupt
	b.proxy.Arm(f)
	answer = b.untilDone(s, f)
	return b.nameless(answer, s.id), b.nameless(b.dump(s.id), s.id).(string)
}

// layOut makes something new and gives its id.
func (b *bench) layOut() (id string) {
	b.t.Helper()
	b.things++
	id = fmt.Sprintf("%s%04d", b.prefix, b.things)
	if b.op.before != nil {
		if err := b.op.before(&subject{id: id, store: b.calm}); err != nil {
			b.t.Fatalf("laying out: %v", err)
		}
	}
	return id
}

// untilDone asks again for as long as it is told to.
func (b *bench) untilDone(s *subject, f faultproxy.Fault) any {
	b.t.Helper()
	for tries := range 4 {
		ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
		answer, err := b.op.do(s.interruptible(ctx), s)
		cancel()
		switch {
		case err == nil:
			return answer
		case tries > 0 && b.op.done != nil && b.op.done(err):
			return nil
		case flow.CodeOf(err) != flow.Unavailable:
			b.t.Fatalf("%s in trip %d: %v (%v) cannot be tried again", f.Kind, f.Trip, err, errors.Unwrap(err))
		case f.Kind == faultproxy.Slow:
			b.t.Errorf("slow in trip %d: %v", f.Trip, err)
		}
	}
	b.t.Fatalf("%s in trip %d: it never comes to an end", f.Kind, f.Trip)
	return nil
}

// nameless takes the subject's id out of what is compared.
func (b *bench) nameless(v any, id string) any {
	if v == nil {
		return nil
	}
	return strings.ReplaceAll(fmt.Sprintf("%+v", v), id, "ID")
}

// tables are all that hold something about one subject, and the column with its id. What
// is left out of the comparison is random or counts for the whole database.
var tables = map[string]string{
	"deployments": "deployment_id", "flows": "flow_id", "jobs": "flow_id", "relationships": "flow_id", "tombstones": "flow_id",
	"bridge_cursors": "flow_id", "executions": "flow_id", "transitions": "flow_id", "log_lines": "flow_id", "idempotency_keys": "flow_id",
	"access_tokens": "token_id", "access_sessions": "principal", "access_codes": "principal", "watch_terms": "flow_id",
	"flow_facts": "flow_id", "attempt_facts": "flow_id",
}

// dump is everything that is stored about a subject.
func (b *bench) dump(id string) (all string) {
	b.t.Helper()
	var parts []string
	for _, table := range sortedKeys(tables) {
		parts = append(parts, fmt.Sprintf(`SELECT '%s ' || (to_jsonb(t) - '{epoch,seq,key,secret_hash,session_hash,code_hash,since,expires_at}'::text[])::text AS r
			FROM %[1]s t WHERE %s = $1`, table, tables[table]))
	}
	sql := `SELECT coalesce(string_agg(r, E'\n' ORDER BY r), '') FROM (` + strings.Join(parts, " UNION ALL ") + `) x`
	if err := b.past.QueryRow(b.t.Context(), sql, id).Scan(&all); err != nil {
		b.t.Fatal(err)
	}
	return all
}

func noTransactionIsLeftOpen(t *testing.T, dsn string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	const open = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`
	for n := 1; n > 0; {
		if err := conn.QueryRow(ctx, open).Scan(&n); err != nil {
			t.Fatalf("%d transactions are left open: %v", n, err)
		}
	}
}

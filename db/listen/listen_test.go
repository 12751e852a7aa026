package listen

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/openova-io/provflow/db/dbtest"
)

func TestMain(m *testing.M) {
	code := dbtest.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const bound = time.Minute

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	t.Cleanup(cancel)
	return ctx
}

// heard is what a running listener tells.
type heard struct {
	*Listener
	wakes  chan string
	gaps   chan struct{}
	states chan bool
}

// hear runs a listener on a database and waits until it is live.
func hear(t *testing.T, dsn string) *heard {
	t.Helper()
	h := &heard{wakes: make(chan string, 100), gaps: make(chan struct{}, 100), states: make(chan bool, 100)}
	h.Listener = &Listener{
		DSN: dsn, Channel: Channel("public"), RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond,
		Silence: 50 * time.Millisecond, PingTimeout: time.Second,
		OnWake: func(id string) { h.wakes <- id }, OnGap: func() { h.gaps <- struct{}{} },
		OnState: func(up bool) { h.states <- up },
	}
	run(t, h.Run)
	await(t, h.gaps)
	if !await(t, h.states) || !h.Connected() {
		t.Fatal("live, and does not say so")
	}
	return h
}

// run runs something until the test ends.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func await[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(bound):
		t.Fatal("nothing came")
	}
	return v
}

func exec(t *testing.T, dsn, sql string, args ...any) {
	t.Helper()
	ctx := within(t)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(ctx, conn)
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		t.Fatal(err)
	}
}

func announce(t *testing.T, dsn string, ids ...string) {
	t.Helper()
	exec(t, dsn, announceSQL, Channel("public"), ids)
}

func (h *heard) want(t *testing.T, id string) {
	t.Helper()
	if got := await(t, h.wakes); got != id {
		t.Fatalf("heard %q, want %q", got, id)
	}
}

func TestAnnouncementsAreHeard(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Empty(t)
	h := hear(t, dsn)
	announce(t, dsn, "a:b", "ü")
	h.want(t, "a:b")
	h.want(t, "ü")
}

func TestKilledBackendIsReplacedAndTheGapTold(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Empty(t)
	h := hear(t, dsn)
	for i := range 3 {
		exec(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE application_name = 'provflow-listener' AND datname = current_database()`)
		if await(t, h.states) {
			t.Fatal("the connection's end was not told")
		}
		await(t, h.gaps)
		id := fmt.Sprint("after ", i)
		announce(t, dsn, id)
		h.want(t, id)
		if !await(t, h.states) {
			t.Fatal("the new connection was not told")
		}
	}
}

// Between what a gap has read again and what is heard there is no other gap.
func TestWhatIsAnnouncedWhileAGapIsToldIsHeard(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Empty(t)
	gaps, wakes, goOn := make(chan struct{}, 100), make(chan string, 100), make(chan struct{})
	tell := sync.OnceFunc(func() { close(goOn) })
	defer tell()
	l := &Listener{
		DSN: dsn, Channel: Channel("public"), OnWake: func(id string) { wakes <- id },
		OnGap: func() { gaps <- struct{}{}; <-goOn },
	}
	run(t, l.Run)
	await(t, gaps)
	announce(t, dsn, "meanwhile")
	tell()
	if got := await(t, wakes); got != "meanwhile" {
		t.Errorf("heard %q", got)
	}
}

func TestDeadLinkIsNoticed(t *testing.T) {
	t.Parallel()
	direct := dbtest.Empty(t)
	p := dbtest.Proxy(t, direct)
	h := hear(t, p.DSN())
	p.Swallow(true) // neither end hears of it
	if await(t, h.states) {
		t.Fatal("got live, want dead")
	}
	p.Swallow(false)
	await(t, h.gaps)
	announce(t, direct, "after")
	h.want(t, "after")
}

func TestSilenceIsNotTakenForDeath(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Empty(t)
	h := hear(t, dsn)
	select {
	case up := <-h.states:
		t.Fatalf("went to %v", up)
	case <-time.After(4 * h.Silence):
	}
	announce(t, dsn, "a")
	h.want(t, "a")
}

func TestUnreadableDSNIsAnError(t *testing.T) {
	t.Parallel()
	if err := (&Listener{DSN: "postgres://%zz"}).Run(within(t)); err == nil {
		t.Fatal("no error")
	}
}

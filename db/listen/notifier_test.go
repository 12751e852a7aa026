package listen

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db/dbtest"
)

// statements gives what was executed, and fails those for which fail has an error.
type statements struct {
	ids  chan []string
	fail chan error
}

func newStatements() statements {
	return statements{ids: make(chan []string, 1000), fail: make(chan error, 1000)}
}

func (s statements) Exec(_ context.Context, _ string, args ...any) (pgconn.CommandTag, error) {
	var err error
	select {
	case err = <-s.fail:
	default:
	}
	s.ids <- args[1].([]string)
	return pgconn.CommandTag{}, err
}

func TestFirstAnnouncementGoesAtOnceAndTheRestTogether(t *testing.T) {
	t.Parallel()
	db := newStatements()
	n := NewNotifier(NotifierOptions{DB: db, Channel: "c", Window: 100 * time.Millisecond})
	run(t, n.Run)
	began := time.Now()
	n.Announce("first")
	if ids := await(t, db.ids); len(ids) != 1 || ids[0] != "first" {
		t.Fatalf("got %v", ids)
	}
	for range 1000 {
		n.Announce("a")
		n.Announce("b")
	}
	within := time.Since(began) < 50*time.Millisecond
	if ids := await(t, db.ids); within && len(ids) != 2 {
		t.Fatalf("got %v", ids)
	}
	if len(db.ids) > 0 && within {
		t.Fatalf("%d statements more", len(db.ids))
	}
}

func TestFailedAnnouncementsAreKeptAndMadeAgain(t *testing.T) {
	t.Parallel()
	db := newStatements()
	n := NewNotifier(NotifierOptions{DB: db, Channel: "c", RetryMin: time.Millisecond})
	for range 3 {
		db.fail <- errors.New("away")
	}
	run(t, n.Run)
	n.Announce("a")
	for range 4 {
		if ids := await(t, db.ids); len(ids) != 1 || ids[0] != "a" {
			t.Fatalf("got %v", ids)
		}
	}
}

func TestWhatIsLeftIsAnnouncedAtTheEnd(t *testing.T) {
	t.Parallel()
	db := newStatements()
	n := NewNotifier(NotifierOptions{DB: db, Channel: "c", Window: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.Announce("a")
	await(t, db.ids)
	n.Announce("b")
	cancel()
	if err := await(t, done); err != nil {
		t.Fatal(err)
	}
	if ids := await(t, db.ids); len(ids) != 1 || ids[0] != "b" {
		t.Fatalf("got %v", ids)
	}
}

func TestWhatTheServerWouldRefuseIsNotAnnounced(t *testing.T) {
	t.Parallel()
	db := newStatements()
	n := NewNotifier(NotifierOptions{DB: db, Channel: "c"})
	for _, id := range []string{"a\x00", "\xff", strings.Repeat("x", 8000)} {
		n.Announce(id)
	}
	if ids := n.take(); len(ids) > 0 {
		t.Fatalf("got %q", ids)
	}
}

func TestAnnouncedThroughAnOutage(t *testing.T) {
	t.Parallel()
	direct := dbtest.Empty(t)
	h := hear(t, direct)
	p := dbtest.Proxy(t, direct)
	pool, err := pgxpool.New(within(t), p.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	n := NewNotifier(NotifierOptions{DB: pool, Channel: Channel("public"), Timeout: 200 * time.Millisecond})
	run(t, n.Run)
	n.Announce("before")
	h.want(t, "before")

	p.Swallow(true)
	n.Announce("during")
	for quiet := time.After(300 * time.Millisecond); quiet != nil; {
		select {
		case id := <-h.wakes: // a slow machine may say what was before twice
			if id == "during" {
				t.Fatal("heard through a dead link")
			}
		case <-quiet:
			quiet = nil
		}
	}
	p.Swallow(false)
	for id := ""; id != "during"; {
		id = await(t, h.wakes)
	}
}

func TestChannel(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 31)
	for schema, want := range map[string]string{"": "public.flow_changed", "public": "public.flow_changed", "A b": "A b.flow_changed"} {
		if got := Channel(schema); got != want {
			t.Errorf("%q: %q", schema, got)
		}
	}
	if a, b := Channel(long), Channel(long+"x"); a == b || len(a) > maxChannel || len(b) > maxChannel {
		t.Errorf("got %q, %q", a, b)
	}
	dsn := dbtest.Empty(t)
	for _, channel := range []string{Channel(long), Channel(`q"uote`)} {
		wakes := make(chan string, 1)
		live := make(chan struct{}, 1)
		run(t, (&Listener{DSN: dsn, Channel: channel, OnGap: func() { live <- struct{}{} }, OnWake: func(id string) { wakes <- id }}).Run)
		await(t, live)
		exec(t, dsn, announceSQL, channel, []string{"f"})
		await(t, wakes)
	}
}

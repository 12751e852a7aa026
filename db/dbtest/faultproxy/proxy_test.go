package faultproxy_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/dbtest/faultproxy"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

const bound = time.Minute

// link is a connection through a proxy, and one past it.
type link struct {
	t     *testing.T
	proxy *faultproxy.Proxy
	conn  *pgx.Conn
	past  *pgx.Conn
}

func setup(t *testing.T) *link {
	t.Helper()
	dsn := dbtest.Empty(t)
	p := dbtest.Proxy(t, dsn)
	l := &link{t: t, proxy: p, conn: connect(t, p.DSN()), past: connect(t, dsn)}
	l.must(l.past.Exec(t.Context(), `CREATE TABLE marks (n int)`))
	return l
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func (l *link) must(_ pgconn.CommandTag, err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// mark writes one row, as one trip.
func (l *link) mark(ctx context.Context) error {
	_, err := l.conn.Exec(ctx, `INSERT INTO marks VALUES (1)`)
	return err
}

func (l *link) marks() (n int) {
	l.t.Helper()
	if err := l.past.QueryRow(l.t.Context(), `SELECT count(*) FROM marks`).Scan(&n); err != nil {
		l.t.Fatal(err)
	}
	return n
}

func TestEachKindOfFault(t *testing.T) {
	t.Parallel()
	for kind, want := range map[faultproxy.Kind]struct{ rows, fails int }{
		faultproxy.Lost: {1, 1}, faultproxy.Refused: {1, 1}, faultproxy.Unheard: {2, 1}, faultproxy.Slow: {2, 0}, faultproxy.Abandoned: {2, 1},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := setup(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l.proxy.Arm(faultproxy.Fault{Trip: 2, Kind: kind, Delay: time.Millisecond, Then: cancel})
			if err := l.mark(ctx); err != nil {
				t.Fatalf("the first one: %v", err)
			}
			if err := l.mark(ctx); (err != nil) != (want.fails > 0) {
				t.Errorf("the second one: %v", err)
			}
			if trips, met := l.proxy.Disarm(); trips != 2 || !met {
				t.Errorf("%d trips, met %v", trips, met)
			}
			if got := l.marks(); got != want.rows {
				t.Errorf("%d rows, want %d", got, want.rows)
			}
		})
	}
}

func TestARefusalIsTheServersOwn(t *testing.T) {
	t.Parallel()
	l := setup(t)
	tx, err := l.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.proxy.Arm(faultproxy.Fault{Trip: 1, Kind: faultproxy.Refused})
	var pg *pgconn.PgError
	if _, err := tx.Exec(t.Context(), `INSERT INTO marks VALUES (1)`); !errors.As(err, &pg) || pg.Code != "40001" {
		t.Errorf("error %v", err)
	}
	if status := l.conn.PgConn().TxStatus(); status != 'E' {
		t.Errorf("the transaction is %q, want failed", status)
	}
}

func TestNotificationsAreDroppedAndDoubled(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.must(l.conn.Exec(t.Context(), `LISTEN c`))
	l.proxy.OnNotify(func(payload string) int { return map[string]int{"once": 1, "twice": 2}[payload] })
	for _, payload := range []string{"never", "once", "twice"} {
		l.must(l.past.Exec(t.Context(), `SELECT pg_notify('c', $1)`, payload))
	}
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	for _, want := range []string{"once", "twice", "twice"} {
		n, err := l.conn.WaitForNotification(ctx)
		if err != nil || n.Payload != want {
			t.Fatalf("%v %v, want %s", n, err, want)
		}
	}
}

func TestCutAndRefuse(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.proxy.Cut()
	if err := l.mark(t.Context()); err == nil {
		t.Error("a connection that was cut still works")
	}
	l.conn = connect(t, l.proxy.DSN())
	if err := l.mark(t.Context()); err != nil {
		t.Errorf("a new one does not: %v", err)
	}
	l.proxy.Refuse(true)
	if c, err := pgx.Connect(t.Context(), l.proxy.DSN()); err == nil {
		c.Close(t.Context())
		t.Error("a connection was made that was to be refused")
	}
}

func TestABlackHoleSwallowsAndStays(t *testing.T) {
	t.Parallel()
	l := setup(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	l.proxy.Swallow(true)
	if err := l.mark(ctx); !pgconn.Timeout(err) {
		t.Errorf("error %v, want none but the end of patience", err)
	}
	if got := l.marks(); got != 0 {
		t.Errorf("%d rows came through", got)
	}
}

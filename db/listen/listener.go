package listen

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/service/backoff"
)

const (
	leastRetry = 50 * time.Millisecond
	mostRetry  = time.Second

	// connectTimeout bounds the connect and the LISTEN.
	connectTimeout = 5 * time.Second
)

// Listener hears announcements. The functions are called from Run's goroutine, one at a
// time, and must not block; each may be nil.
type Listener struct {
	// DSN is of the server itself: a pooler in transaction mode loses the LISTEN.
	DSN     string
	Channel string
	// OnWake is called for every announcement, with its flow id.
	OnWake func(flowID string)
	// OnGap is called whenever announcements may have been missed: after every
	// connect, the first included, once new ones are sure to be heard.
	OnGap func()
	// OnState is called when the connection begins and ceases to be live.
	OnState func(connected bool)

	// Silence is how long nothing may come before a ping. Default 5 s.
	Silence time.Duration
	// PingTimeout bounds the ping. Default 2 s.
	PingTimeout time.Duration
	// RetryMin and RetryMax bound the pause before it connects again. Defaults 50 ms and 1 s.
	RetryMin, RetryMax time.Duration
	Logger             *slog.Logger

	connected atomic.Bool
}

// Connected reports whether announcements are heard now.
func (l *Listener) Connected() bool { return l.connected.Load() }

// Run listens until ctx ends, and connects again whenever it must. It runs once. It
// fails only for a DSN that cannot be read.
func (l *Listener) Run(ctx context.Context) error {
	l.setDefaults()
	// A pool's parser: the DSN may carry settings of the pool, which a server refuses.
	pool, err := pgxpool.ParseConfig(l.DSN)
	if err != nil {
		return fmt.Errorf("reading the listener's DSN: %w", err)
	}
	cfg := pool.ConnConfig
	cfg.RuntimeParams["application_name"] = "provflow-listener"
	retry := backoff.Backoff{Least: l.RetryMin, Most: l.RetryMax}
	for {
		err := l.session(ctx, cfg, &retry)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop; what the connection says of it does not matter
		}
		wait := retry.Next()
		l.Logger.Warn("the listening connection is down; it will be made again", "error", err, "in", wait)
		backoff.Wait(ctx, wait)
	}
}

func (l *Listener) setDefaults() {
	l.Silence = cmp.Or(l.Silence, 5*time.Second)
	l.PingTimeout = cmp.Or(l.PingTimeout, 2*time.Second)
	l.RetryMin = cmp.Or(l.RetryMin, leastRetry)
	l.RetryMax = cmp.Or(l.RetryMax, mostRetry)
	l.Logger = cmp.Or(l.Logger, slog.New(slog.DiscardHandler))
}

// session is one connection, from the connect to the error that ends it.
func (l *Listener) session(ctx context.Context, cfg *pgx.ConnConfig, retry *backoff.Backoff) error {
	conn, err := l.connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	l.setConnected(true)
	defer l.setConnected(false)
	if l.OnGap != nil {
		l.OnGap()
	}
	for {
		if err := l.hear(ctx, conn); err != nil {
			return err
		}
		// Only a connection that has proved itself makes the next pause short again.
		retry.Reset()
	}
}

func (l *Listener) connect(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{l.Channel}.Sanitize()); err != nil {
		closeConn(ctx, conn)
		return nil, fmt.Errorf("listening: %w", err)
	}
	return conn, nil
}

// hear waits for one announcement, or for the answer to a ping when none comes.
func (l *Listener) hear(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, l.Silence)
	defer cancel()
	n, err := conn.WaitForNotification(waiting)
	switch {
	case err == nil:
		if l.OnWake != nil {
			l.OnWake(n.Payload)
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case !pgconn.Timeout(err):
		return fmt.Errorf("waiting: %w", err)
	}
	return l.ping(ctx, conn)
}

// ping takes its time from ctx and not from the wait, which is over.
func (l *Listener) ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, l.PingTimeout)
	defer cancel()
	if err := conn.Ping(ctx); err != nil {
		return fmt.Errorf("pinging: %w", err)
	}
	return nil
}

func (l *Listener) setConnected(now bool) {
	l.connected.Store(now)
	if l.OnState != nil {
		l.OnState(now)
	}
}

// closeConn says good-bye where it can: the connection may be dead.
func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

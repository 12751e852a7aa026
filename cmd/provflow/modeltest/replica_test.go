package modeltest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/dbtest/faultproxy"
	"github.com/openova-io/provflow/db/listen"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/record"
)

// replica is the parts of a server, wired as cmd wires them, on links that can be broken.
type replica struct {
	t        testing.TB
	proxy    *faultproxy.Proxy
	store    *db.Store
	hub      *feed.Hub
	notifier *listen.Notifier
	recorder *record.Recorder
	listener *listen.Listener
	stop     func()
}

func newReplica(t testing.TB, dsn string, o feed.Options) *replica {
	t.Helper()
	r := &replica{t: t, proxy: dbtest.Proxy(t, dsn)}
	r.start(o)
	t.Cleanup(func() { r.stop() })
	return r
}

// Announce is what cmd does after a commit.
func (r *replica) Announce(flowID string) {
	r.hub.Wake(flowID)
	r.notifier.Announce(flowID)
}

// start runs the replica, which remembers nothing of an earlier life.
func (r *replica) start(o feed.Options) {
	r.t.Helper()
	store, err := db.Open(context.Background(), r.proxy.DSN(), time.Now, func(c *pgxpool.Config) { c.MinIdleConns = 0 })
	if err != nil {
		r.t.Fatal(err)
	}
	channel := listen.Channel("public")
	r.store, r.hub = store, feed.New(store, o)
	r.notifier = listen.NewNotifier(listen.NotifierOptions{DB: store.Pool(), Channel: channel, Window: time.Millisecond, RetryMax: 20 * time.Millisecond})
	r.recorder = record.New(store, r, record.Options{Timeout: bound, Logger: slog.New(slog.DiscardHandler)})
	live := make(chan struct{}, 1)
	r.listener = &listen.Listener{
		DSN: r.proxy.DSN(), Channel: channel, OnWake: r.hub.Wake, RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond,
		OnGap: func() {
			r.hub.Resync()
			select {
			case live <- struct{}{}:
			default:
			}
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{r.hub.Run, r.notifier.Run, r.listener.Run} {
		parts.Go(func() {
			if err := run(ctx); err != nil {
				r.t.Errorf("a part ended: %v", err)
			}
		})
	}
	r.stop = sync.OnceFunc(func() {
		r.recorder.Close()
		cancel()
		parts.Wait()
		store.Close()
	})
	select {
	case <-live:
	case <-time.After(bound):
		r.t.Fatal("the listener does not connect")
	}
}

// restart is the end of one process and the start of the next.
func (r *replica) restart(o feed.Options) {
	r.t.Helper()
	r.stop()
	r.start(o)
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/openova-io/provflow/api"
	"github.com/openova-io/provflow/api/sse"
	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/cmd/provflow/metrics"
	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/listen"
	"github.com/openova-io/provflow/migrations"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/forecast"
	"github.com/openova-io/provflow/service/helmwatch"
	"github.com/openova-io/provflow/service/record"
)

type serveCmd struct {
	Listen         string `env:"PROVFLOW_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to serve on (${default}); beyond loopback access must be on."`
	databaseFlags  `group:"Where the data is:"`
	accessFlags    `group:"Who may call:"`
	upstreamFlags  `group:"Flows that are not here:"`
	watchFlags     `group:"Which clusters are watched:"`
	operateFlags   `group:"How it is watched and stopped:"`
	retentionFlags `group:"How long it is kept:"`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	log := c.logger(os.Stderr)
	slog.SetDefault(log)
	who, err := c.plan(c.Listen)
	if err != nil {
		return err
	}
	up, err := c.client(log)
	if err != nil {
		return err
	}
	watches, err := c.watches(log)
	if err != nil {
		return err
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; choose another address with --listen", c.Listen, err)
	}
	defer socket.Close() //nolint:errcheck // it is closed already where it was served
	op, err := c.start(ctx, log)
	if err != nil {
		return err
	}
	defer op.stop(ctx)
	d, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer d.close(log)
	if err := d.migrate(ctx, log); err != nil {
		return err
	}
	return serve(ctx, instance{d, socket, up, who, watches, op, c.retentionFlags, log})
}

// instance is what a server is made of before it runs.
type instance struct {
	database  *database
	socket    net.Listener
	upstream  *upstream.Client
	access    accessPlan
	watches   watchPlan
	operation operation
	retention retentionFlags
	log       *slog.Logger
}

// parts is everything that runs, wired.
type parts struct {
	instance
	counts    *metrics.Metrics
	streams   *sse.Streams
	store     *db.Store
	hub       *feed.Hub
	tails     *feed.Tails
	notifier  *listen.Notifier
	listener  *listen.Listener
	recorder  *record.Recorder
	forecasts *forecast.Keeper
	watcher   *helmwatch.Watcher
}

// announcer wakes this replica's subscribers at once and the others' through Postgres.
type announcer struct {
	hub      *feed.Hub
	notifier *listen.Notifier
}

func (a announcer) Announce(flowID string) {
	a.hub.Wake(flowID)
	a.notifier.Announce(flowID)
}

// afterWrite also has the end of what was written here estimated anew.
type afterWrite struct {
	announcer
	forecasts *forecast.Keeper
}

func (w afterWrite) Announce(flowID string) {
	w.announcer.Announce(flowID)
	w.forecasts.Announce(flowID)
}

func wire(ctx context.Context, in instance) (*parts, error) {
	log, counts := in.log, metrics.New(version)
	store, err := in.database.store(ctx, db.WithTracer(in.operation.traces.Queries()))
	if err != nil {
		return nil, err
	}
	hub := feed.New(store, feed.Options{Logger: log, OnFrame: counts.Frame})
	tails := feed.NewTails(store, feed.TailOptions{Logger: log})
	var schema string
	if err := waitFor(ctx, log, func(try context.Context) (err error) { schema, err = store.Schema(try); return err }); err != nil {
		store.Close()
		return nil, err
	}
	channel := listen.Channel(schema)
	notifier := listen.NewNotifier(listen.NotifierOptions{DB: store.Pool(), Channel: channel, Logger: log})
	listener := &listen.Listener{
		DSN: in.database.direct, Channel: channel, OnWake: hub.Wake, OnGap: hub.Resync, OnState: counts.ListenerState, Logger: log,
	}
	forecasts := forecast.New(store, forecast.Options{Logger: log})
	recorder := record.New(store, afterWrite{announcer{hub, notifier}, forecasts}, record.Options{Logger: log, Observe: counts.Transaction})
	p := &parts{in, counts, sse.NewStreams(), store, hub, tails, notifier, listener, recorder, forecasts, nil}
	p.watcher = p.newWatcher()
	counts.Watch(p.sources())
	return p, nil
}

func (p *parts) handler() http.Handler {
	a := announcer{p.hub, p.notifier}
	return p.streams.Detach(api.New(api.Services{
		Store: p.store, Deployments: p.store, Archive: p.store, Analytics: p.store, Recorder: p.recorder, Hub: p.hub, Tails: p.tails, Upstream: p.upstream,
		Access: p.access.control(p.store, p.log), Announce: a.Announce, Ready: p.ready, Now: time.Now, Logger: p.log,
		Streams: p.streams, Trace: p.operation.traces.Requests(), Done: p.counts.Request,
	}))
}

// ready: nobody has said to stop, the database answers, its schema is this program's, the
// listener is connected.
func (p *parts) ready(ctx context.Context) error {
	if p.streams.Draining() {
		return &flow.Error{Code: flow.Unavailable, Slug: "draining", Detail: "the server is stopping; ask another replica, or shortly"}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	at, err := p.store.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	latest, err := migrations.Latest()
	if err != nil {
		return err
	}
	switch {
	case at < latest:
		return notReady("the schema is at version %d and this program needs %d; run `provflow migrate up`", at, latest)
	case !p.listener.Connected():
		return notReady("the listener is not connected to the database")
	}
	return nil
}

func notReady(format string, args ...any) error {
	return &flow.Error{Code: flow.Unavailable, Slug: "not-ready", Detail: fmt.Sprintf(format, args...)}
}

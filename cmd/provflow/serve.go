package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openova-io/provflow/api"
	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/listen"
	"github.com/openova-io/provflow/migrations"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// When the server is told to stop, a request has shutdownGrace to end by itself, and
// shutdownTimeout to end once it was told that it must.
const (
	shutdownGrace   = time.Second
	shutdownTimeout = 10 * time.Second
)

var errStopping = &flow.Error{Code: flow.Unavailable, Slug: "stopping", Detail: "the server is stopping; send the rest to another replica, or shortly"}

type serveCmd struct {
	databaseFlags
	upstreamFlags
	accessFlags
	Listen string `env:"PROVFLOW_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to serve on (${default}); beyond loopback access must be on."`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	slog.SetDefault(log)
	who, err := c.plan(c.Listen)
	if err != nil {
		return err
	}
	up, err := c.client(log)
	if err != nil {
		return err
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; choose another address with --listen", c.Listen, err)
	}
	d, err := c.open(ctx, log)
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	defer d.close(log)
	if err := d.migrate(ctx, log); err != nil {
		return errors.Join(err, socket.Close())
	}
	return serve(ctx, d, socket, up, who, log)
}

// parts is everything that runs, wired.
type parts struct {
	store    *db.Store
	hub      *feed.Hub
	tails    *feed.Tails
	notifier *listen.Notifier
	listener *listen.Listener
	recorder *record.Recorder
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

func wire(ctx context.Context, d *database, log *slog.Logger) (*parts, error) {
	store, err := db.Open(ctx, d.url, time.Now)
	if err != nil {
		return nil, err
	}
	hub := feed.New(store, feed.Options{Logger: log})
	tails := feed.NewTails(store, feed.TailOptions{Logger: log})
	schema, err := store.Schema(ctx)
	if err != nil {
		store.Close()
		return nil, err
	}
	channel := listen.Channel(schema)
	notifier := listen.NewNotifier(listen.NotifierOptions{DB: store.Pool(), Channel: channel, Logger: log})
	listener := &listen.Listener{DSN: d.direct, Channel: channel, OnWake: hub.Wake, OnGap: hub.Resync, Logger: log}
	recorder := record.New(store, announcer{hub, notifier}, record.Options{Logger: log})
	return &parts{store, hub, tails, notifier, listener, recorder}, nil
}

func serve(ctx context.Context, d *database, socket net.Listener, up *upstream.Client, who accessPlan, log *slog.Logger) error {
	defer up.Close()
	p, err := wire(ctx, d, log)
	if err != nil {
		return err
	}
	defer p.store.Close()
	requests, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	server := &http.Server{
		Handler:           p.handler(up, who.control(p.store, log), log),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.hub.Run(gctx) })
	g.Go(func() error { return p.tails.Run(gctx) })
	g.Go(func() error { return p.listener.Run(gctx) })
	// The notifier stops last: it has still to say what the last transactions changed.
	notify, stopNotify := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error { return p.notifier.Run(notify) })
	g.Go(func() error { return d.keepRunning(gctx, log) })
	g.Go(func() error { return keepPartitions(gctx, p.store, log) })
	g.Go(func() error { return ignoreClosed(server.Serve(socket)) })
	g.Go(func() error {
		defer stopNotify()
		return p.stop(gctx, server, cut)
	})
	who.hint(gctx, p.store, log)
	log.Info("serving", "address", "http://"+socket.Addr().String(), "version", version)
	return g.Wait()
}

func (p *parts) handler(up *upstream.Client, who api.Access, log *slog.Logger) http.Handler {
	a := announcer{p.hub, p.notifier}
	return api.New(api.Services{
		Store: p.store, Deployments: p.store, Archive: p.store, Recorder: p.recorder, Hub: p.hub, Tails: p.tails, Upstream: up,
		Access: who, Announce: a.Announce, Ready: p.ready, Now: time.Now, Logger: log,
	})
}

// stop ends the server when ctx does: streams first (the hub ends them), then requests,
// of which those that go on and on are cut, then the recorder's last transactions.
func (p *parts) stop(ctx context.Context, server *http.Server, cut context.CancelCauseFunc) error {
	<-ctx.Done()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	grace := time.AfterFunc(shutdownGrace, func() { cut(errStopping) })
	defer grace.Stop()
	err := server.Shutdown(bound)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	p.recorder.Close()
	return err
}

// ready: the database answers, its schema is this program's, the listener is connected.
func (p *parts) ready(ctx context.Context) error {
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

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openova-io/provflow/service/flow"
)

// When the drain is over, a request has shutdownGrace to end by itself, and
// shutdownTimeout to end once it was told that it must; so long have the last transactions
// after it.
const (
	shutdownGrace   = time.Second
	shutdownTimeout = 10 * time.Second
)

// momentPart is the part of the drain's window for which requests are served although no
// stream is left: who balances between servers has to notice first.
const momentPart = 5

var errStopping = &flow.Error{Code: flow.Unavailable, Slug: "stopping", Detail: "the server is stopping; send the rest to another replica, or shortly"}

// serve runs until ctx ends, and then stops what needs others before those others:
//
//	not ready, streams end one by one ─► requests end ─► recorder ─► notifier ─► listener, hub ─► pool
//
// The private server, if there is one, is the caller's to stop.
func serve(ctx context.Context, in instance) error {
	defer in.upstream.Close()
	p, err := wire(ctx, in)
	if err != nil {
		return err
	}
	defer p.store.Close()
	requests, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	server := p.server(requests)
	// The parts outlive ctx: while the server drains they are needed.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	notify, stopNotify := context.WithCancel(life)
	notified := make(chan struct{})
	g, gctx := errgroup.WithContext(life)
	g.Go(func() error { return p.hub.Run(gctx) })
	g.Go(func() error { return p.tails.Run(gctx) })
	g.Go(func() error { return p.listener.Run(gctx) })
	g.Go(func() error { defer close(notified); return p.notifier.Run(notify) })
	g.Go(func() error { return in.database.keepRunning(gctx, in.log) })
	g.Go(func() error { return p.keeper().Run(gctx) })
	g.Go(func() error { return p.endedKeeper().Run(gctx) })
	g.Go(func() error { return p.watch(ctx, gctx) })
	g.Go(func() error { return p.forecasts.Run(gctx, p.recorder) })
	g.Go(func() error { return in.operation.showMetrics(gctx, p.counts, in.log) })
	g.Go(func() error { return ignoreClosed(server.Serve(in.socket)) })
	g.Go(func() error {
		defer end()
		p.drain(ctx, gctx)
		err := p.stop(server, cut)
		stopNotify() // it says once more what the last transactions changed
		<-notified
		return err
	})
	in.access.hint(gctx, p.store, in.log)
	in.log.Info("serving", "address", "http://"+in.socket.Addr().String(), "version", version)
	err = g.Wait()
	in.log.Info("stopped")
	return err
}

func (p *parts) server(requests context.Context) *http.Server {
	return &http.Server{
		Handler:           p.leaving(p.handler()),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
}

// leaving has clients that keep connections make a new one next time, to another replica
// where there is one. Connections that are idle are left alone, since a request may be
// on its way on them.
func (p *parts) leaving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.streams.Draining() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// drain waits until the server is told to stop, and then until it may. A part that fails
// ends both.
func (p *parts) drain(told, failed context.Context) {
	select {
	case <-told.Done():
		p.log.Info("draining", "streams", p.streams.Open(), "window", p.operation.drain.String())
	case <-failed.Done():
	}
	p.streams.Drain(failed, p.operation.drain/momentPart, p.operation.drain)
}

// stop waits for requests to end, of which those that go on and on are cut, and for the
// recorder's last transactions.
func (p *parts) stop(server *http.Server, cut context.CancelCauseFunc) error {
	bound, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	grace := time.AfterFunc(shutdownGrace, func() { cut(errStopping) })
	defer grace.Stop()
	err := server.Shutdown(bound)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	err = errors.Join(err, p.streams.Wait(bound))
	defer time.AfterFunc(shutdownTimeout, p.recorder.GiveUp).Stop()
	p.recorder.Close()
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

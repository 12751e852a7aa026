package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/openova-io/provflow/api/reqlog"
	"github.com/openova-io/provflow/cmd/provflow/metrics"
	"github.com/openova-io/provflow/cmd/provflow/traces"
)

// operateFlags say how a server is watched and stopped.
type operateFlags struct {
	LogFormat     string        `env:"PROVFLOW_LOG_FORMAT" enum:"text,json" default:"text" placeholder:"text|json" help:"Form of the log (${default})."`
	LogLevel      slog.Level    `env:"PROVFLOW_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error (${default})."`
	MetricsListen string        `env:"PROVFLOW_METRICS_LISTEN" placeholder:"ADDR" help:"Address to serve Prometheus metrics on, such as 127.0.0.1:9090; none: nowhere."`
	Drain         time.Duration `env:"PROVFLOW_DRAIN" default:"10s" placeholder:"TIME" help:"Over how long streams are ended when the server is told to stop (${default})."`
}

// logger writes to out; every line of a request carries the request's id.
func (f operateFlags) logger(out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(reqlog.NewHandler(slog.NewJSONHandler(out, options)))
	}
	return slog.New(reqlog.NewHandler(slog.NewTextHandler(out, options)))
}

// operation is how a server is watched and stopped. The zero value is not watched, and
// ends its streams at once.
type operation struct {
	drain   time.Duration
	metrics net.Listener    // nil: they are not shown
	traces  *traces.Tracing // nil: none
}

// start opens what is needed before anything is served, so that a mistake is told at once.
func (f operateFlags) start(ctx context.Context, log *slog.Logger) (o operation, err error) {
	if o.drain = f.Drain; o.drain < 0 {
		return o, fmt.Errorf("--drain %s: use a time of at least 0s", o.drain)
	}
	if o.traces, err = traces.Start(ctx, version, log); err != nil {
		return o, err
	}
	if f.MetricsListen == "" {
		return o, nil
	}
	if o.metrics, err = new(net.ListenConfig).Listen(ctx, "tcp", f.MetricsListen); err != nil {
		return o, fmt.Errorf("showing metrics on %s: %w; choose another address with --metrics-listen", f.MetricsListen, err)
	}
	return o, nil
}

// stop gives up what start has opened, after everything else has ended.
func (o operation) stop(ctx context.Context) {
	o.traces.Stop(ctx)
	if o.metrics != nil {
		_ = o.metrics.Close() // it is closed already where it was served
	}
}

// showMetrics serves the metrics until ctx ends.
func (o operation) showMetrics(ctx context.Context, m *metrics.Metrics, log *slog.Logger) error {
	if o.metrics == nil {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler(log))
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // nobody waits for a last look
	log.Info("showing metrics", "address", "http://"+o.metrics.Addr().String()+"/metrics")
	return ignoreClosed(server.Serve(o.metrics))
}

// sources are where the metrics look.
func (p *parts) sources() metrics.Sources {
	return metrics.Sources{
		Feed: p.hub.Stats, Pool: p.store.Pool().Stat, Streams: p.streams.Open, Draining: p.streams.Draining,
		Pending: p.notifier.Pending, Listening: p.listener.Connected, Upstreams: p.upstream.Open, Watches: p.watcher.Stats,
		QueueUsage: p.store.NotificationQueueUsage,
	}
}

// Package metrics counts what a server does and shows it to Prometheus. It must not be
// known by what it counts: the parts have plain numbers and tell plain functions, and
// this package alone knows names, labels and buckets. docs/operating.md lists them all.
//
// It has a registry of its own, so nothing gets in that nobody wrote down.
package metrics

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/openova-io/provflow/api/reqlog"
	"github.com/openova-io/provflow/service/flow"
)

// What a transaction came to.
const (
	committed   = "committed"
	refused     = "refused"     // what was in it
	unavailable = "unavailable" // the database was away, or took too long
	failed      = "failed"
)

// Metrics is told what happens. All methods may be called concurrently.
type Metrics struct {
	registry *prometheus.Registry

	requests     *prometheus.CounterVec
	took         *prometheus.HistogramVec
	frames       prometheus.Histogram
	items        prometheus.Histogram
	transactions *prometheus.HistogramVec
	reconnects   prometheus.Counter
	connected    atomic.Bool // once
}

// seconds are the upper bounds of what is mostly fast.
var seconds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15}

// New makes the metrics of a program of that version.
func New(version string) *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	auto := promauto.With(r)
	m := &Metrics{registry: r}
	m.requests = auto.NewCounterVec(prometheus.CounterOpts{
		Name: "provflow_http_requests_total", Help: "Requests that have ended, streams among them.",
	}, []string{"method", "route", "status"})
	m.took = auto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "provflow_http_request_seconds", Help: "How long requests took that were no streams.", Buckets: seconds,
	}, []string{"method", "route"})
	m.frames = auto.NewHistogram(prometheus.HistogramOpts{
		Name: "provflow_feed_wake_to_frame_seconds", Buckets: seconds,
		Help: "From the moment this replica learned of a change to its frame being handed to the writer of a stream that was waiting for it.",
	})
	m.items = auto.NewHistogram(prometheus.HistogramOpts{
		Name: "provflow_record_batch_items", Help: "Observations in one transaction.",
		Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000},
	})
	m.transactions = auto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "provflow_record_transaction_seconds", Help: "How long transactions took, by what they came to.", Buckets: seconds,
	}, []string{"outcome"})
	m.reconnects = auto.NewCounter(prometheus.CounterOpts{
		Name: "provflow_listener_reconnects_total", Help: "How often the listener has connected again.",
	})
	auto.NewGauge(prometheus.GaugeOpts{
		Name: "provflow_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	}).Set(1)
	for _, o := range []string{committed, refused, unavailable, failed} {
		m.transactions.WithLabelValues(o) // there from the start: a rate needs a zero to begin with
	}
	return m
}

// Handler shows them.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	})
}

// Request is for reqlog.Options.Done.
func (m *Metrics) Request(r reqlog.Request) {
	route := strings.TrimPrefix(r.Route, "/sovereign")
	if route == "" {
		route = "unmatched"
	}
	m.requests.WithLabelValues(r.Method, route, strconv.Itoa(r.Status)).Inc()
	if !r.Stream {
		m.took.WithLabelValues(r.Method, route).Observe(r.Duration.Seconds())
	}
}

// Frame is for feed.Options.OnFrame.
func (m *Metrics) Frame(latency time.Duration) { m.frames.Observe(latency.Seconds()) }

// Transaction is for record.Options.Observe.
func (m *Metrics) Transaction(items int, took time.Duration, err error) {
	m.items.Observe(float64(items))
	m.transactions.WithLabelValues(outcome(err)).Observe(took.Seconds())
}

func outcome(err error) string {
	if err == nil {
		return committed
	}
	switch flow.CodeOf(err) {
	case flow.Invalid, flow.NotFound, flow.Conflict:
		return refused
	case flow.Unavailable:
		return unavailable
	}
	return failed
}

// ListenerState is for listen.Listener.OnState.
func (m *Metrics) ListenerState(connected bool) {
	if connected && m.connected.Swap(true) {
		m.reconnects.Inc()
	}
}

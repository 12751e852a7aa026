package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/helmwatch"
)

// Sources are asked for their numbers whenever the metrics are read. All are needed.
type Sources struct {
	Feed      func() feed.Stats
	Pool      func() *pgxpool.Stat
	Streams   func() int  // open now
	Draining  func() bool // the server has been told to stop
	Pending   func() int  // flows the notifier has still to announce
	Listening func() bool
	Upstreams func() int // that are left alone since they failed
	Watches   func() helmwatch.Stats
	// QueueUsage asks the database; it must keep to its context.
	QueueUsage func(ctx context.Context) (float64, error)
}

// Watch shows what the sources say, from now on. It is called once.
func (m *Metrics) Watch(s Sources) {
	w := watcher{promauto.With(m.registry)}
	w.feed(s.Feed)
	w.pool(s.Pool)
	w.gauge("provflow_http_open_streams", "Streams open now.", func() float64 { return float64(s.Streams()) })
	w.gauge("provflow_draining", "1 once the server was told to stop.", func() float64 { return oneIf(s.Draining()) })
	w.gauge("provflow_notifier_pending_flows", "Changed flows still to be announced to the other replicas.", func() float64 { return float64(s.Pending()) })
	w.gauge("provflow_listener_connected", "1 while announcements of the other replicas are heard.", func() float64 { return oneIf(s.Listening()) })
	w.gauge("provflow_upstream_open_breakers", "Upstreams that are left alone for a while since they failed.", func() float64 { return float64(s.Upstreams()) })
	w.watches(s.Watches)
	m.registry.MustRegister(&queueUsage{ask: s.QueueUsage})
}

type watcher struct{ promauto.Factory }

func (w watcher) gauge(name, help string, value func() float64) {
	w.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

func (w watcher) counter(name, help string, value func() float64) {
	w.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value)
}

func (w watcher) feed(stats func() feed.Stats) {
	of := func(pick func(feed.Stats) int64) func() float64 {
		return func() float64 { return float64(pick(stats())) }
	}
	w.gauge("provflow_feed_subscribers", "Subscriptions to flows.", of(func(s feed.Stats) int64 { return s.Subscribers }))
	w.gauge("provflow_feed_topics", "Flows that are watched.", of(func(s feed.Stats) int64 { return s.Topics }))
	w.gauge("provflow_feed_behind_versions", "By how many versions the last poll found a watched flow behind, at most.", of(func(s feed.Stats) int64 { return s.Behind }))
	w.gauge("provflow_feed_database_up", "1 while the polls of watched flows find the database.", func() float64 { return oneIf(!stats().Away) })
	w.counter("provflow_feed_polls_total", "Reads of the versions of all watched flows.", of(func(s feed.Stats) int64 { return s.Polls }))
	w.counter("provflow_feed_reads_total", "Reads of changes or of whole flows.", of(func(s feed.Stats) int64 { return s.Reads }))
	w.counter("provflow_feed_encodes_total", "Changes and snapshots rendered; each is shared by all its readers.", of(func(s feed.Stats) int64 { return s.Encodes }))
	w.counter("provflow_feed_snapshot_hits_total", "Snapshots served from memory.", of(func(s feed.Stats) int64 { return s.SnapshotHits }))
	w.counter("provflow_feed_gone_total", "Watched flows that were deleted or got another history.", of(func(s feed.Stats) int64 { return s.Gone }))
}

func (w watcher) watches(stats func() helmwatch.Stats) {
	of := func(pick func(helmwatch.Stats) int64) func() float64 {
		return func() float64 { return float64(pick(stats())) }
	}
	w.gauge("provflow_watch_clusters", "Clusters to watch, by this replica or another.", of(func(s helmwatch.Stats) int64 { return s.Clusters }))
	w.gauge("provflow_watch_held", "Clusters that this replica watches.", of(func(s helmwatch.Stats) int64 { return s.Held }))
	w.gauge("provflow_watch_blind", "Clusters that this replica watches and cannot look at now.", of(func(s helmwatch.Stats) int64 { return s.Blind }))
	w.counter("provflow_watch_events_total", "Events about releases.", of(func(s helmwatch.Stats) int64 { return s.Events }))
	w.counter("provflow_watch_lines_total", "Log lines of controllers that were recorded.", of(func(s helmwatch.Stats) int64 { return s.Lines }))
}

func (w watcher) pool(stat func() *pgxpool.Stat) {
	w.gauge("provflow_pool_connections_max", "Database connections the pool may have.", func() float64 { return float64(stat().MaxConns()) })
	w.gauge("provflow_pool_connections_acquired", "Connections in use.", func() float64 { return float64(stat().AcquiredConns()) })
	w.gauge("provflow_pool_connections_idle", "Connections not in use.", func() float64 { return float64(stat().IdleConns()) })
	w.counter("provflow_pool_connects_total", "Connections made.", func() float64 { return float64(stat().NewConnsCount()) })
	w.counter("provflow_pool_acquires_total", "Times a connection was taken.", func() float64 { return float64(stat().AcquireCount()) })
	w.counter("provflow_pool_acquire_seconds_total", "Time spent on taking them, together.", func() float64 { return stat().AcquireDuration().Seconds() })
	w.counter("provflow_pool_empty_acquires_total", "Times that was to be waited for, since none was idle.", func() float64 { return float64(stat().EmptyAcquireCount()) })
	w.counter("provflow_pool_canceled_acquires_total", "Times it was given up.", func() float64 { return float64(stat().CanceledAcquireCount()) })
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

const (
	askTimeout = time.Second
	askAgain   = 10 * time.Second // however often the metrics are read
)

// queueUsage shows how full the database's queue of notifications is, and nothing while
// the database does not say.
type queueUsage struct {
	ask func(ctx context.Context) (float64, error)

	mu    sync.Mutex
	next  time.Time
	known bool
	used  float64
}

var queueDesc = prometheus.NewDesc("provflow_postgres_notification_queue_usage_ratio",
	"Part of the server's queue of notifications that is in use, from 0 to 1.", nil, nil)

// Describe implements prometheus.Collector.
func (q *queueUsage) Describe(out chan<- *prometheus.Desc) { out <- queueDesc }

// Collect implements prometheus.Collector.
func (q *queueUsage) Collect(out chan<- prometheus.Metric) {
	if used, known := q.sample(); known {
		out <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, used)
	}
}

func (q *queueUsage) sample() (used float64, known bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := time.Now(); !now.Before(q.next) {
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		defer cancel()
		var err error
		q.used, err = q.ask(ctx)
		q.known, q.next = err == nil, now.Add(askAgain)
	}
	return q.used, q.known
}

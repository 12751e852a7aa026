package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/helmwatch"
)

// shown wants these lines of what Prometheus reads.
func (m *Metrics) shown(t *testing.T, lines ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range lines {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("%q is not shown", line)
		}
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}

func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	m := New("v")
	for _, up := range []bool{false, true, false, true, true} {
		m.ListenerState(up)
	}
	for _, err := range []error{nil, flow.Invalidf("x", "x"), flow.Conflictf("x", "x"), &flow.Error{Code: flow.Unavailable}, errors.New("x")} {
		m.Transaction(3, time.Millisecond, err)
	}
	m.Frame(20 * time.Millisecond)
	m.shown(t, "provflow_listener_reconnects_total 2", "provflow_record_batch_items_sum 15",
		`provflow_record_transaction_seconds_count{outcome="committed"} 1`, `provflow_record_transaction_seconds_count{outcome="refused"} 2`,
		`provflow_record_transaction_seconds_count{outcome="unavailable"} 1`, `provflow_record_transaction_seconds_count{outcome="failed"} 1`,
		"provflow_feed_wake_to_frame_seconds_sum 0.02", `provflow_build_info{version="v"} 1`)
}

func TestWhatIsAsked(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?pool_max_conns=10") // it connects when it is used
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	m := New("v")
	m.Watch(Sources{
		Feed: func() feed.Stats { return feed.Stats{Subscribers: 1, Topics: 2, Behind: 3, Away: true} },
		Pool: pool.Stat, Streams: func() int { return 4 }, Draining: func() bool { return true },
		Pending: func() int { return 5 }, Listening: func() bool { return false }, Upstreams: func() int { return 6 },
		Watches:    func() helmwatch.Stats { return helmwatch.Stats{Clusters: 7, Held: 8, Blind: 9} },
		QueueUsage: func(context.Context) (float64, error) { return 0.25, nil },
	})
	m.shown(t, "provflow_feed_subscribers 1", "provflow_feed_topics 2", "provflow_feed_behind_versions 3", "provflow_feed_database_up 0",
		"provflow_http_open_streams 4", "provflow_draining 1", "provflow_notifier_pending_flows 5", "provflow_listener_connected 0",
		"provflow_upstream_open_breakers 6", "provflow_watch_clusters 7", "provflow_watch_held 8", "provflow_watch_blind 9",
		"provflow_postgres_notification_queue_usage_ratio 0.25", "provflow_pool_connections_max 10", "provflow_pool_connections_acquired 0")
}

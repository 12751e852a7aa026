package db_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/flow"
)

// idleFor is a DSN that has the server give up transactions in which nothing is said for as long.
func idleFor(t *testing.T, dsn, idle string) string {
	t.Helper()
	return withSetting(t, dsn, "idle_in_transaction_session_timeout", idle)
}

// withSetting is an address with a parameter more.
func withSetting(t *testing.T, dsn, name, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// A replica that loses its link in the middle of a transaction does not keep its flow from the
// others until the server notices: that may take hours.
func TestALinkThatIsLostInATransactionHoldsNoFlow(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	proxy := dbtest.Proxy(t, dsn)
	cut, err := db.Open(t.Context(), idleFor(t, proxy.DSN(), "300ms"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cut.Close)
	ctx, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	held, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := cut.Record(ctx, flow.Write{FlowID: "d1", Decide: func(flow.State, []bool) flow.Changes {
			proxy.Swallow(true)
			close(held)
			return flow.Changes{}
		}})
		done <- err
	}()
	<-held
	other, err := db.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	put(t, other, "d1", func(*flow.Graph) {})
	end()
	if err := <-done; flow.CodeOf(err) != flow.Unavailable {
		t.Errorf("who lost the link was told %v", err)
	}
	proxy.Swallow(false)
	proxy.Cut() // a pool says good-bye on each link, and waits
}

// The bound is there unless somebody has set another.
func TestAPauseInATransactionIsBounded(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	for name, tt := range map[string]struct {
		dsn     string
		options []db.Option
		want    string
	}{
		"by itself":        {dsn, nil, "1min"},
		"by the address":   {idleFor(t, dsn, "7s"), nil, "7s"},
		"through a pooler": {dsn, []db.Option{db.ThroughPooler()}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := db.Open(t.Context(), tt.dsn, time.Now, tt.options...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(store.Close)
			rows, err := store.Pool().Query(t.Context(), "SHOW idle_in_transaction_session_timeout")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string]); got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}

// Through a pooler nothing is kept prepared, unless the address says that the pooler can.
func TestWhatIsKeptPreparedThroughAPooler(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Empty(t)
	able := withSetting(t, dsn, "default_query_exec_mode", "cache_statement")
	for address, want := range map[string]int{dsn: 0, able: 1} {
		store, err := db.Open(t.Context(), address, time.Now, db.ThroughPooler())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(store.Close)
		conn, err := store.Pool().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		var kept int
		const sql = `SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE $1`
		if err := conn.QueryRow(t.Context(), sql, "%pg_prepared_statements%").Scan(&kept); err != nil || kept != want {
			t.Errorf("%s keeps %d, want %d; %v", address, kept, want, err)
		}
	}
}

package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// The database may answer, and a server is not ready all the same.
func TestNotReady(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	deaf, err := wire(t.Context(), instance{database: &database{url: dsn, direct: dsn}, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(deaf.store.Close)
	if err := deaf.ready(context.Background()); err == nil || !strings.Contains(err.Error(), "not-ready: the listener is not connected") {
		t.Errorf("one that does not listen: %v", err)
	}
	r := start(t, dsn)
	query[int](t, dsn, `WITH gone AS (DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version) RETURNING 1) SELECT count(*) FROM gone`)
	a := r.get("/readyz")
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"not-ready"`) || !strings.Contains(a.body, "provflow migrate up") || a.header.Get("Retry-After") == "" {
		t.Errorf("an old schema: %d %s", a.status, a.body)
	}
}

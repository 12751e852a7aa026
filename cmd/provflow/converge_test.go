package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// The listener's connection is killed and what is written meanwhile is not announced to
// this replica; subscribers converge all the same.
func TestSubscribersConvergeWhenTheListenerIsKilled(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	writer, reader := start(t, dsn), start(t, dsn)
	writer.post("d1", event(0, "tofu-init"))
	s := reader.stream("d1", "")
	s.until(reader, "d1")
	for i := range 5 {
		query[int64](t, dsn, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'provflow-listener' AND datname = current_database()`)
		writer.post("d1", component(float64(10+i), fmt.Sprint("x", i), "installing"))
		s.until(reader, "d1")
	}
	reader.waitReady()
}

// Every connection of every replica is cut, again and again, while events are posted:
// whatever was acknowledged is there, once, and the streams stay open and converge.
func TestPostgresGoneAndBack(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1", "")
	s := r.stream("d1", "")
	s.until(r, "d1")
	const n = 30
	for i := range n {
		if i%5 == 0 {
			query[int64](t, dsn, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`)
		}
		line := component(float64(i), fmt.Sprint("x", i), "installed", "message", "done")
		eventually(t, "an acknowledgement", func() bool {
			return r.do("POST", "/api/v1/deployments/d1/provisioner-events", line).status == http.StatusOK
		})
	}
	s.until(r, "d1")
	if got := len(s.state.Nodes.ByID); got != n+1 {
		t.Errorf("%d nodes, want %d and their group", got, n)
	}
	if got := query[int64](t, dsn, `SELECT count(*) FROM log_lines`); got != n {
		t.Errorf("%d lines, want %d", got, n)
	}
}

// Package dbtest gives tests real PostgreSQL databases. It is imported by tests
// only, and a test never skips for want of a server: it fails and says what to
// install.
//
// One server per test binary is started when the first test asks for it. The
// migrations run once, into a template; every test gets a copy of that, so tests
// may commit, notify and run in parallel. Sources, in this order:
//
//  1. $TEST_DATABASE_URL: a server that is there, as a user who may create databases
//  2. installed binaries, through package embedded, in a temp folder
//  3. a container of $PROVFLOW_TEST_POSTGRES_IMAGE (postgres:17-alpine)
//
// $PROVFLOW_TEST_POSTGRES (url, embedded or container) forces one of them.
package dbtest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest/faultproxy"
)

// bound is how long one database may take to make or drop, a server's start included.
const bound = 2 * time.Minute

var (
	shared   = &harness{open: openSource}
	mainRuns atomic.Bool
)

// Main runs a package's tests and stops the server they started:
//
//	func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }
func Main(m *testing.M) int {
	mainRuns.Store(true)
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		code = max(code, 1)
	}
	return code
}

// New gives a test a database of its own, migrated, dropped when the test ends.
// The DSN is for pgx; its user owns the database and need not be a superuser.
func New(t testing.TB) (dsn string) {
	t.Helper()
	return give(t, (*harness).migrated)
}

// Empty gives a database without any schema.
func Empty(t testing.TB) string {
	t.Helper()
	return give(t, (*harness).empty)
}

// Proxy gives a way to the database of a DSN on which faults can be made, until the test
// ends.
func Proxy(t testing.TB, dsn string) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func give(t testing.TB, create func(*harness, context.Context) (database, error)) string {
	t.Helper()
	if !mainRuns.Load() {
		t.Fatal("dbtest: the package needs func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }, which stops the server")
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	db, err := create(shared, ctx)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), bound)
		defer cancel()
		if err := shared.drop(ctx, db.name); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	return db.dsn
}

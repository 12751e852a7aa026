//go:build crash

package crash

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/api/console"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/dbtest/faultproxy"
	"github.com/openova-io/provflow/db/embedded"
)

// patience bounds every wait; it is reached only by a failure.
const patience = 60 * time.Second

// fleet is the installation that is broken.
type fleet struct {
	t        *testing.T
	replicas []*replica
	storm    func() // has all consoles reconnect at once

	mu       sync.Mutex
	dataDir  string
	postgres *embedded.Server
}

// newFleet starts all of it. Between the replicas and their proxies there may be a pooler:
// it is given the address of the database and gives its own.
func newFleet(t *testing.T, pooler ...func(t *testing.T, dsn string) string) *fleet {
	t.Helper()
	dir, err := os.MkdirTemp("", "provflow-crash-data-") //nolint:usetesting // its server may be another user, who must be able to enter
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	f := &fleet{t: t, dataDir: filepath.Join(dir, "data")}
	if f.startPostgres(); f.postgres == nil {
		t.FailNow() // it has said why
	}
	t.Cleanup(func() { _ = f.postgres.Stop(context.Background()) })
	pooled := ""
	for _, p := range pooler {
		pooled = p(t, f.postgres.DSN())
	}
	for i := range 3 {
		f.replicas = append(f.replicas, f.newReplica(i, pooled))
	}
	f.waitReady()
	return f
}

func (f *fleet) newReplica(i int, pooled string) *replica {
	proxy, err := faultproxy.Open(f.postgres.DSN())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(proxy.Close)
	r := &replica{
		name: strconv.Itoa(i), proxy: proxy, pooled: pooled, address: dbtest.FreeAddress(f.t), metrics: dbtest.FreeAddress(f.t),
		log: filepath.Join(f.t.TempDir(), fmt.Sprint("replica-", i, ".log")),
	}
	if err := r.start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		r.kill()
		if f.t.Failed() {
			f.t.Logf("the last words of replica %d:\n%s", i, r.lastWords(4000))
		}
	})
	return r
}

func (f *fleet) startPostgres() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := embedded.Start(ctx, embedded.Options{DataDir: f.dataDir})
	if err != nil {
		f.t.Errorf("starting PostgreSQL: %v", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.postgres = server
}

// server gives the running PostgreSQL.
func (f *fleet) server() *embedded.Server {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.postgres
}

// postmaster is the process id of PostgreSQL.
func (f *fleet) postmaster() int {
	text, _ := os.ReadFile(filepath.Join(f.server().DataDir(), "pg", "postmaster.pid"))
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

func (f *fleet) waitReady() {
	for _, r := range f.replicas {
		if !eventually(patience, func() bool { return r.status("/readyz") == http.StatusOK || r.ended() }) || r.ended() {
			f.t.Fatalf("replica %s is not ready again; it has ended: %t; its last words:\n%s", r.name, r.ended(), r.lastWords(1000))
		}
	}
}

// eventually polls what has no signal to wait for: the state of another process.
func eventually(bound time.Duration, ok func() bool) bool {
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return ok()
}

func flowID(i int) string { return fmt.Sprint("crash-", i) }

// snapshots reads every flow from every replica, which must all say the same.
func (f *fleet) snapshots(t *testing.T) map[string]*console.State {
	t.Helper()
	all := map[string]*console.State{}
	for i := range flows {
		id := flowID(i)
		for _, r := range f.replicas {
			state := &console.State{}
			body, etag, err := r.get("/api/v1/flows/" + id + "/snapshot")
			if err == nil {
				err = state.Fold(console.Frame{Event: "snapshot", ID: strings.Trim(etag, `"`), Data: body})
			}
			if err != nil {
				t.Fatalf("replica %s: %v", r.name, err)
			}
			if first := all[id]; first != nil && (first.String() != state.String() || first.Cursor != state.Cursor) {
				t.Errorf("replicas differ about %s:\n%s\n%s", id, first, state)
			}
			all[id] = state
		}
	}
	return all
}

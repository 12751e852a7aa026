//go:build crash

package crash

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/embedded"
)

// The primary dies with its machine, and the standby, to which every commit went before it
// was acknowledged, takes its place: nothing that was acknowledged is lost, and consoles
// notice that it is another history.
func TestFailoverToASynchronousStandbyLosesNothing(t *testing.T) {
	f := newFleet(t)
	standby := f.newStandby(t)
	f.ordeal(t, func(r *rand.Rand) tally {
		pause(r, 3*time.Second, 4*time.Second)
		before := f.cursor(t)
		primary := f.server()
		_ = syscall.Kill(f.postmaster(), syscall.SIGKILL)
		<-primary.Done()
		exec1(t, admin(standby), `SELECT pg_promote()`)
		f.takeOver(t, standby)
		pause(r, 3*time.Second, 4*time.Second)
		if after := f.cursor(t); epochOf(after) == epochOf(before) {
			t.Errorf("the cursors %s and %s are of one history", before, after)
		}
		return tally{"failover": 1}
	})
}

// newStandby copies the primary and lets the copy follow it; from then on a commit is
// acknowledged when the standby has it too.
func (f *fleet) newStandby(t *testing.T) *embedded.Server {
	t.Helper()
	bin, err := embedded.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(bin, "pg_basebackup")
	if _, err := os.Stat(tool); err != nil {
		t.Skipf("without pg_basebackup there is no standby: %v; install PostgreSQL's own packages", err)
	}
	socket := admin(f.server())
	dir := filepath.Join(filepath.Dir(f.dataDir), "standby")
	if err := os.MkdirAll(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	copied := exec.CommandContext(t.Context(), tool, "-d", socket, "-D", filepath.Join(dir, "pg"), "-R", "-X", "stream", "-c", "fast")
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	standby, err := embedded.Start(ctx, embedded.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Stop(context.Background()) })
	exec1(t, socket, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
	exec1(t, socket, `SELECT pg_reload_conf()`)
	if !eventually(patience, func() bool {
		return ask[bool](t, socket, `SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')`)
	}) {
		t.Fatal("the standby does not follow")
	}
	return standby
}

// takeOver sends everybody to another server, which waits for no standby of its own.
func (f *fleet) takeOver(t *testing.T, server *embedded.Server) {
	t.Helper()
	exec1(t, admin(server), `ALTER SYSTEM SET synchronous_standby_names = ''`)
	exec1(t, admin(server), `SELECT pg_reload_conf()`)
	f.mu.Lock()
	f.postgres = server
	f.mu.Unlock()
	for _, r := range f.replicas {
		if err := r.proxy.Redirect(server.DSN()); err != nil {
			t.Fatal(err)
		}
	}
}

// cursor is that of a flow, as any replica that can answer gives it.
func (f *fleet) cursor(t *testing.T) (etag string) {
	t.Helper()
	if !eventually(patience, func() (ok bool) {
		_, found, err := f.replicas[0].get("/api/v1/flows/" + flowID(0) + "/snapshot")
		etag = found
		return err == nil
	}) {
		t.Fatal("no snapshot came")
	}
	return etag
}

// admin is the address of a private server's superuser.
func admin(s *embedded.Server) string {
	cfg, err := pgx.ParseConfig(s.DSN())
	if err != nil {
		panic(err)
	}
	return "host=" + cfg.Host + " port=5432 user=postgres dbname=provflow sslmode=disable"
}

func exec1(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func ask[T any](t *testing.T, dsn, sql string) (v T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// epochOf is a cursor without its version.
func epochOf(etag string) string { return etag[:strings.LastIndexByte(etag, '.')] }

//go:build crash

package crash

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/dbtest"
)

// All but the listener goes through PgBouncer, which lends connections by transaction.
func TestBehindPgBouncerNothingIsLost(t *testing.T) {
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("without pgbouncer on the PATH there is no pooler to go through; install the package pgbouncer")
	}
	f := newFleet(t, func(t *testing.T, dsn string) string { return startBouncer(t, bouncer, dsn) })
	f.ordeal(t, func(r *rand.Rand) tally {
		return f.breakThings(r, some("kill -9", "SIGTERM", "listener killed", "Postgres immediate stop", "reconnect storm"), *lasting/6)
	})
}

// startBouncer gives the address of a pooler with fewer connections than ask for one.
func startBouncer(t *testing.T, bouncer, dsn string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(dbtest.FreeAddress(t))
	dir, err := os.MkdirTemp("", "provflow-bouncer-") //nolint:usetesting // another user must be able to enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ini := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n%s = host=%s port=%d user=%s\n[pgbouncer]\nlisten_addr = %s\nlisten_port = %s\nunix_socket_dir =\n"+
		"auth_type = any\npool_mode = transaction\ndefault_pool_size = 6\nserver_login_retry = 1\nserver_reset_query =\n",
		cfg.Database, cfg.Host, cfg.Port, cfg.User, host, port)
	for path, mode := range map[string]os.FileMode{dir: 0o755, ini: 0o644} {
		if path == ini {
			err = os.WriteFile(path, []byte(text), mode)
		}
		if err == nil {
			err = os.Chmod(path, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	runBouncer(t, bouncer, ini)
	if !eventually(patience, func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}) {
		t.Fatal("pgbouncer does not listen")
	}
	return "postgres://" + cfg.User + "@" + net.JoinHostPort(host, port) + "/" + cfg.Database + "?sslmode=disable"
}

// runBouncer runs it until the test ends, as the user of PostgreSQL where we are root,
// whom it refuses and the socket's folder does not.
func runBouncer(t *testing.T, bouncer, ini string) {
	t.Helper()
	args := []string{ini}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "postgres")
	}
	cmd := exec.Command(bouncer, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Logf("pgbouncer runs as process %s", strconv.Itoa(cmd.Process.Pid))
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		done := make(chan struct{})
		go func() { defer close(done); _ = cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
	})
}

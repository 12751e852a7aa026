package embedded

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// bound is how long anything here may take; nothing waits for it when all is well.
const bound = 60 * time.Second

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperEnv); dir != "" {
		os.Exit(helper(dir))
	}
	base, err := os.MkdirTemp("", "provflow-spare-")
	if err != nil {
		panic(err)
	}
	spareBase = base
	if err := os.Chmod(base, 0o711); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(base)
		os.Exit(code)
	}))
}

// folder is a temp folder that the server's user can reach; t.TempDir is root's alone.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "provflow-embedded-") //nolint:usetesting // see above
	check(t, err)
	check(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	t.Cleanup(cancel)
	return ctx
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Settings == nil {
		o.Settings = map[string]string{"fsync": "off"}
	}
	s, err := Start(within(t), o)
	check(t, err)
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

// value runs one statement and gives its one value as text.
func value(t *testing.T, dsn, sql string) string {
	t.Helper()
	ctx := within(t)
	conn, err := pgx.Connect(ctx, dsn)
	check(t, err)
	defer func() { _ = conn.Close(ctx) }()
	var v any
	check(t, conn.QueryRow(ctx, sql).Scan(&v))
	return fmt.Sprint(v)
}

func wantEnd(t *testing.T, s *Server) {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(bound):
		t.Fatal("the server's end was not noticed")
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

// keep writes a row that a later start must still find.
func keep(t *testing.T, dsn string) {
	t.Helper()
	ctx := within(t)
	conn, err := pgx.Connect(ctx, dsn)
	check(t, err)
	_, err = conn.Exec(ctx, "CREATE TABLE kept AS SELECT 42 AS n")
	check(t, err)
	check(t, conn.Close(ctx))
}

func wantKept(t *testing.T, dsn string) {
	t.Helper()
	if got := value(t, dsn, "SELECT n FROM kept"); got != "42" {
		t.Errorf("after a restart the row is %q, want 42", got)
	}
}

func TestStopAndStartKeepData(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{DataDir: dir, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	keep(t, s.DSN())
	check(t, s.Stop(within(t)))
	wantEnd(t, s)
	check(t, s.Stop(within(t))) // once more is no error

	s = start(t, Options{DataDir: dir})
	wantKept(t, s.DSN())
	check(t, s.Stop(within(t)))
}

func TestServerIsPrivateAndDurable(t *testing.T) {
	t.Parallel()
	s := start(t, Options{DataDir: folder(t), Settings: map[string]string{"work_mem": "5MB", "listen_addresses": "*"}})
	for sql, want := range map[string]string{
		"SHOW listen_addresses":     "",
		"SHOW synchronous_commit":   "on",
		"SHOW fsync":                "on",
		"SHOW work_mem":             "5MB",
		"SHOW server_encoding":      "UTF8",
		"SHOW timezone":             "UTC",
		"SELECT current_user":       appUser,
		"SELECT current_database()": database,
		"SELECT rolsuper FROM pg_roles WHERE rolname = current_user": "false",
	} {
		if got := value(t, s.DSN(), sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	check(t, s.Stop(within(t)))
}

func TestKilledServerIsNoticedAndRecovers(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{DataDir: dir})
	keep(t, s.DSN())
	check(t, syscall.Kill(s.proc.cmd.Process.Pid, syscall.SIGKILL))
	wantEnd(t, s)

	again := start(t, Options{DataDir: dir})
	wantKept(t, again.DSN())
	check(t, again.Stop(within(t)))
}

func TestSecondStartIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{DataDir: dir})
	_, err := Start(within(t), Options{DataDir: dir})
	wantError(t, err, "another provflow", s.DataDir(), "--data-dir")
	if got := value(t, s.DSN(), "SELECT 1"); got != "1" {
		t.Errorf("the first server answers %q after the second start", got)
	}
	check(t, s.Stop(within(t)))
}

func TestLongPathUsesAShortSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), strings.Repeat("long/", 25)+"data, here")
	s := start(t, Options{DataDir: dir})
	if got := value(t, s.DSN(), "SELECT 1"); got != "1" {
		t.Errorf("got %q", got)
	}
	socket := s.socket
	check(t, s.Stop(within(t)))
	if exists(socket) {
		t.Errorf("the socket's folder %s is left behind", socket)
	}
}

func TestFailedStartShowsTheServersWords(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	_, err := Start(within(t), Options{DataDir: dir, Settings: map[string]string{"fsync": "off", "no_such_setting": "1"}})
	wantError(t, err, dir, "no_such_setting")
	check(t, start(t, Options{DataDir: dir}).Stop(within(t))) // and the folder is free again
}

func TestCancelledStartEndsItsChild(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Start(ctx, Options{DataDir: dir}); err == nil {
		t.Fatal("a cancelled start succeeded")
	}
	check(t, start(t, Options{DataDir: dir}).Stop(within(t)))
}

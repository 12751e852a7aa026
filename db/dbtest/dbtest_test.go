package dbtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/testcontainers/testcontainers-go"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// ask runs one statement and gives its one value as text.
func ask(t testing.TB, dsn, sql string, args ...any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var v any
	if err := conn.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return fmt.Sprint(v)
}

const countTables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"

func TestNewIsMigratedAndEmptyIsNot(t *testing.T) {
	t.Parallel()
	if got := ask(t, New(t), "SELECT to_regclass('goose_db_version')::text"); got != "goose_db_version" {
		t.Errorf("the migrations' table is %q", got)
	}
	if got := ask(t, Empty(t), countTables); got != "0" {
		t.Errorf("an empty database has %s tables", got)
	}
}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	var names sync.Map
	t.Run("together", func(t *testing.T) {
		for range 8 {
			t.Run("one", func(t *testing.T) {
				t.Parallel()
				name := ask(t, New(t), "SELECT current_database()")
				if _, taken := names.LoadOrStore(name, true); taken {
					t.Errorf("%s was given twice", name)
				}
			})
		}
	})
}

func TestDatabaseIsDroppedThoughInUse(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("user", func(t *testing.T) {
		dsn := New(t)
		name = ask(t, dsn, "SELECT current_database()")
		conn, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Exec(context.Background(), "SELECT 1") }) // still open when the database goes
	})
	if got := ask(t, Empty(t), "SELECT count(*) FROM pg_database WHERE datname = $1", name); got != "0" {
		t.Errorf("%s is still there", name)
	}
}

func TestServerIsFastButCommitsForReal(t *testing.T) {
	t.Parallel()
	dsn := Empty(t)
	if got := ask(t, dsn, "SHOW synchronous_commit"); got != "on" {
		t.Errorf("synchronous_commit is %s", got)
	}
	if os.Getenv(urlEnv) == "" && ask(t, dsn, "SHOW fsync") != "off" {
		t.Error("fsync is on: tests wait for the disk")
	}
}

// TestGivenServerIsUsed plays a server that is there already.
func TestGivenServerIsUsed(t *testing.T) {
	dsn := Empty(t)
	t.Setenv(urlEnv, dsn)
	t.Setenv(forceEnv, "")
	h := &harness{open: openSource}
	db, err := h.migrated(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	template := h.template.name
	if err := h.drop(context.Background(), db.name); err != nil {
		t.Error(err)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
	if got := ask(t, dsn, "SELECT count(*) FROM pg_database WHERE datname IN ($1, $2)", db.name, template); got != "0" {
		t.Errorf("%s databases are left on the given server", got)
	}
}

func TestUnknownSourceIsAnError(t *testing.T) {
	t.Setenv(forceEnv, "oracle")
	if _, err := openSource(context.Background()); err == nil || !strings.Contains(err.Error(), "container") {
		t.Errorf("error %v", err)
	}
}

func TestNothingToBeHadSaysWhatToInstall(t *testing.T) {
	t.Setenv(forceEnv, "")
	t.Setenv(urlEnv, "")
	t.Setenv("PROVFLOW_POSTGRES_BIN", t.TempDir())
	t.Setenv(imageEnv, "not an image")
	_, err := openSource(context.Background())
	for _, part := range []string{"make postgres", urlEnv, "container"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}

func TestContainer(t *testing.T) {
	testcontainers.SkipIfProviderIsNotHealthy(t) // says that Docker is absent
	h := &harness{open: openContainer}
	db, err := h.migrated(context.Background())
	if err != nil && os.Getenv(forceEnv) != "container" {
		t.Skipf("Docker is there, a PostgreSQL container is not to be had (set %s): %v", imageEnv, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, db.dsn, "SHOW max_connections"); got != "200" {
		t.Errorf("max_connections is %s", got)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

func TestDatabaseInDSN(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"host=/run user=me dbname=old":             "host=/run user=me dbname=old dbname=new",
		"postgres://me:pw@h:1/old?sslmode=disable": "postgres://me:pw@h:1/new?sslmode=disable",
		"postgres:///old?host=%2Frun&dbname=other": "postgres:///new?host=%2Frun",
	} {
		got, err := withDatabase(dsn, "new")
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", dsn, got, err, want)
		}
		if cfg, err := pgx.ParseConfig(got); err != nil || cfg.Database != "new" {
			t.Errorf("%s: pgx reads %v, %v", got, cfg, err)
		}
	}
}

func TestSweepTakesOnlyWhatIsFree(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	lock := func(name string) *os.File {
		dir := filepath.Join(tmp, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, "provflow.lock"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	lock(tmpPrefix + "dead")
	held := lock(tmpPrefix + "alive")
	lock("other")
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	sweep(tmp)
	left, _ := filepath.Glob(filepath.Join(tmp, "*"))
	if len(left) != 2 || strings.Contains(strings.Join(left, " "), "dead") {
		t.Errorf("left: %q", left)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(b)
	}
}

package embedded

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root changes the server's user")
	}
}

func TestUnreachableFolderMovesTheData(t *testing.T) {
	t.Parallel()
	asRoot(t)
	closed := t.TempDir()
	check(t, os.Chmod(closed, 0o700))
	wanted := filepath.Join(closed, "clone", ".data")
	var log bytes.Buffer
	s := start(t, Options{DataDir: wanted, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	keep(t, s.DSN())
	if !strings.HasPrefix(s.DataDir(), spareBase) {
		t.Errorf("the data is in %s", s.DataDir())
	}
	for _, part := range []string{"level=WARN", wanted, s.DataDir(), "cannot enter"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log does not say %q: %s", part, &log)
		}
	}
	check(t, s.Stop(within(t)))

	s = start(t, Options{DataDir: wanted})
	wantKept(t, s.DSN())
	check(t, s.Stop(within(t)))
}

func TestDataThatBecameUnreachableIsNotReplaced(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := folder(t)
	check(t, start(t, Options{DataDir: dir}).Stop(within(t)))
	check(t, os.Chmod(filepath.Dir(dir), 0o700))
	_, err := Start(within(t), Options{DataDir: dir})
	wantError(t, err, "holds data", "cannot enter")
}

func TestUnreachableBinariesAreCopied(t *testing.T) {
	t.Parallel()
	asRoot(t)
	bin, err := FindBinaries()
	check(t, err)
	closed := t.TempDir()
	check(t, os.Chmod(closed, 0o700))
	prefix := filepath.Join(closed, "pg")
	check(t, os.Mkdir(prefix, 0o755))
	for _, part := range []string{"bin", "lib", "share"} {
		check(t, copyTree(filepath.Join(filepath.Dir(bin), part), filepath.Join(prefix, part)))
	}
	dir := folder(t)
	for range 2 { // the second start takes the copy of the first
		s := start(t, Options{DataDir: dir, BinDir: filepath.Join(prefix, "bin")})
		if got := value(t, s.DSN(), "SELECT 1"); got != "1" || !strings.HasPrefix(s.bin.dir, dir) {
			t.Errorf("got %q from the binaries in %s", got, s.bin.dir)
		}
		check(t, s.Stop(within(t)))
	}
}

func TestServerRunsAsTheOwnerOfItsData(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := folder(t)
	s := start(t, Options{DataDir: dir})
	check(t, s.Stop(within(t)))
	acct := account{uid: 12345, gid: 12345, drop: true}
	check(t, acct.giveAll(dir))
	s = start(t, Options{DataDir: dir})
	if s.home.acct.uid != acct.uid {
		t.Errorf("the server runs as %d", s.home.acct.uid)
	}
	check(t, s.Stop(within(t)))

	// What root copied back from a backup is root's; it becomes the server's again.
	check(t, account{drop: true}.giveAll(dir))
	s = start(t, Options{DataDir: dir})
	check(t, s.Stop(within(t)))
}

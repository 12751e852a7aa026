package embedded

import (
	"os"
	"path/filepath"
	"testing"
)

// foreign makes a folder whose data looks as if another version had made it.
func foreign(t *testing.T, sub, version string) (dir, mark string) {
	t.Helper()
	dir = folder(t)
	check(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	mark = filepath.Join(dir, sub, "PG_VERSION")
	if version == "" {
		mark = filepath.Join(dir, sub, "notes.txt")
	}
	check(t, os.WriteFile(mark, []byte(version+"\n"), 0o600))
	check(t, os.Chmod(dir, 0o755))
	return dir, mark
}

func TestForeignDataIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sub, version, says string }{
		"another major version":    {clusterName, "9", "made by PostgreSQL 9"},
		"another cluster's folder": {"", "15", "another PostgreSQL"},
		"no cluster at all":        {clusterName, "", "no PG_VERSION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, mark := foreign(t, c.sub, c.version)
			_, err := Start(within(t), Options{DataDir: dir})
			wantError(t, err, c.says, dir)
			if !exists(mark) {
				t.Error("the refused data is gone")
			}
		})
	}
}

func TestInterruptedInitLeavesNothingInTheWay(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	half := filepath.Join(dir, clusterName+".new-1")
	check(t, os.MkdirAll(half, 0o755))
	check(t, os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600))
	check(t, os.Chmod(dir, 0o777)) // not empty, so it keeps its owner
	s := start(t, Options{DataDir: dir})
	if exists(half) {
		t.Error("the half-made cluster is still there")
	}
	check(t, s.Stop(within(t)))
}

func TestMissingBinariesSayWhatToInstall(t *testing.T) {
	t.Parallel()
	_, err := firstUsable([]string{t.TempDir()}, 0)
	wantError(t, err, "apt-get install postgresql", "make postgres", binEnv)
	_, err = Start(within(t), Options{DataDir: folder(t), BinDir: t.TempDir()})
	wantError(t, err, "initdb")
}

func TestOldBinariesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"initdb", "postgres"} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho 'postgres (PostgreSQL) 9.6.2'\n"), 0o755))
	}
	_, err := inspect(dir)
	wantError(t, err, "9.6.2", "older")
}

func TestFoundBinariesAreUsable(t *testing.T) {
	t.Parallel()
	dir, err := FindBinaries(filepath.Join(t.TempDir(), "nothing"))
	check(t, err)
	if _, err := inspect(dir); err != nil {
		t.Error(err)
	}
}

func TestNewestInstallationComesFirst(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, v := range []string{"9", "10", "16"} {
		check(t, os.MkdirAll(filepath.Join(root, "pg", v, "bin"), 0o755))
	}
	got := newestFirst(filepath.Join(root, "pg", "*", "bin"))
	if len(got) != 3 || filepath.Base(filepath.Dir(got[0])) != "16" || filepath.Base(filepath.Dir(got[2])) != "9" {
		t.Errorf("order %q", got)
	}
}

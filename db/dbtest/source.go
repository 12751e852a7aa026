package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/openova-io/provflow/db/embedded"
)

const (
	urlEnv    = "TEST_DATABASE_URL"
	forceEnv  = "PROVFLOW_TEST_POSTGRES"
	imageEnv  = "PROVFLOW_TEST_POSTGRES_IMAGE"
	image     = "postgres:17-alpine"
	tmpPrefix = "provflow-test-"
)

// settings make a server fast that nobody will miss. synchronous_commit stays on:
// tests check that an answer comes after the commit.
func settings() map[string]string {
	return map[string]string{"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
}

// source is a server and how to be rid of it.
type source struct {
	dsn  string
	stop func(context.Context) error
}

// openSource takes the forced source, or the first there is.
func openSource(ctx context.Context) (source, error) {
	switch forced := os.Getenv(forceEnv); forced {
	case "url":
		return openURL()
	case "embedded":
		return openEmbedded(ctx)
	case "container":
		return openContainer(ctx)
	case "":
	default:
		return source{}, fmt.Errorf("%s is %q; it may be url, embedded or container", forceEnv, forced)
	}
	if os.Getenv(urlEnv) != "" {
		return openURL()
	}
	_, missing := embedded.FindBinaries()
	if missing == nil {
		return openEmbedded(ctx)
	}
	src, err := openContainer(ctx)
	if err != nil {
		return source{}, fmt.Errorf("no PostgreSQL for tests: %w", errors.Join(
			missing, fmt.Errorf("or set %s; a container would do too, but: %w", urlEnv, err)))
	}
	return src, nil
}

func openURL() (source, error) {
	dsn := os.Getenv(urlEnv)
	if dsn == "" {
		return source{}, fmt.Errorf("%s is not set", urlEnv)
	}
	return source{dsn: dsn, stop: func(context.Context) error { return nil }}, nil
}

// openEmbedded starts a server in a temp folder of its own: test binaries run side by side.
func openEmbedded(ctx context.Context) (source, error) {
	sweep(os.TempDir())
	dir, err := os.MkdirTemp("", tmpPrefix+"*")
	if err != nil {
		return source{}, err
	}
	s, err := embedded.Start(ctx, embedded.Options{DataDir: dir, Settings: settings()})
	if err != nil {
		return source{}, errors.Join(err, os.RemoveAll(dir))
	}
	return source{dsn: s.DSN(), stop: func(ctx context.Context) error {
		return errors.Join(s.Stop(ctx), os.RemoveAll(s.DataDir()), os.RemoveAll(dir))
	}}, nil
}

// sweep removes what test binaries left that did not reach their end (a panic, a
// timeout, Ctrl-C). A lock that can be taken says that nobody uses the folder.
func sweep(tmp string) {
	dirs, _ := filepath.Glob(filepath.Join(tmp, tmpPrefix+"*"))
	for _, dir := range dirs {
		lock, err := os.Open(filepath.Join(dir, "provflow.lock"))
		if err != nil {
			continue // just being made, or somebody else's
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}

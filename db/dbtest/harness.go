package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/migrations"
)

// harness is one server and the databases made there.
type harness struct {
	open func(context.Context) (source, error)

	startOnce    sync.Once
	src          source
	startErr     error
	prefix       string // keeps test binaries apart that share a server
	count        atomic.Int64
	templateOnce sync.Once
	template     database
	templateErr  error
}

type database struct{ name, dsn string }

func (h *harness) start(ctx context.Context) error {
	h.startOnce.Do(func() {
		h.prefix = "provflow_test_" + strings.ToLower(rand.Text()[:10])
		h.src, h.startErr = h.open(ctx)
	})
	return h.startErr
}

// empty makes a database from the server's own template.
func (h *harness) empty(ctx context.Context) (database, error) {
	return h.create(ctx, "template1")
}

// migrated makes a copy of the migrated template, which the first call makes.
func (h *harness) migrated(ctx context.Context) (database, error) {
	h.templateOnce.Do(func() {
		if h.template, h.templateErr = h.empty(ctx); h.templateErr != nil {
			return
		}
		if err := migrations.Up(ctx, h.template.dsn); err != nil {
			h.templateErr = fmt.Errorf("migrating the template: %w", err)
		}
	})
	if h.templateErr != nil {
		return database{}, h.templateErr
	}
	return h.create(ctx, h.template.name)
}

func (h *harness) create(ctx context.Context, template string) (database, error) {
	if err := h.start(ctx); err != nil {
		return database{}, err
	}
	name := fmt.Sprintf("%s_%d", h.prefix, h.count.Add(1))
	dsn, err := withDatabase(h.src.dsn, name)
	if err != nil {
		return database{}, err
	}
	if err := h.createRetrying(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return database{}, fmt.Errorf("creating a test's database: %w", err)
	}
	return database{name: name, dsn: dsn}, nil
}

// createRetrying waits until nobody is connected to the template: the server
// refuses to copy it before, and a closed connection takes a moment to go.
func (h *harness) createRetrying(ctx context.Context, sql string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := h.exec(ctx, sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55006" { // object_in_use
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

const insufficientPrivilege = "42501"

// drop ends the database's sessions too: a test that leaks a pool must not keep it.
// Autovacuum may be looking at the database just then; it is nobody's to end, and leaves.
func (h *harness) drop(ctx context.Context, name string) error {
	for {
		err := h.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		var refused *pgconn.PgError
		if err == nil {
			return nil
		}
		if !errors.As(err, &refused) || refused.Code != insufficientPrivilege || ctx.Err() != nil {
			return fmt.Errorf("dropping a test's database: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (h *harness) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, h.src.dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// close drops the template and stops the server, if any was started.
func (h *harness) close() error {
	if h.src.stop == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	var err error
	if h.template.name != "" {
		err = h.drop(ctx, h.template.name)
	}
	return errors.Join(err, h.src.stop(ctx))
}

// withDatabase changes the database in a DSN of either form.
func withDatabase(dsn, name string) (string, error) {
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + name, nil // the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("reading the DSN: %w", err)
	}
	q := u.Query()
	q.Del("dbname")
	u.Path, u.RawQuery = "/"+name, q.Encode()
	return u.String(), nil
}

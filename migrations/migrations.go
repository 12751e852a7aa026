// Package migrations holds the database's schema as goose files and applies them.
// It knows no query and no table; what reads and writes them is package db.
package migrations

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// connectTimeout bounds how long a connection takes to be made, and the silence after which
// the system asks whether the other side is still there.
const connectTimeout = 5 * time.Second

//go:embed *.sql
var files embed.FS

// Status is one migration and when it was applied; the zero time: not yet.
type Status struct {
	Version   int64
	Name      string
	AppliedAt time.Time
}

// Up applies every migration that is missing. Several programs may call it at once on
// an empty database: a session lock lets one of them do the work.
func Up(ctx context.Context, dsn string) error {
	return withProvider(dsn, func(p *goose.Provider) error {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrating up: %w", err)
		}
		return nil
	})
}

// Versions gives that of the newest migration that is applied, and of the newest one here.
func Versions(ctx context.Context, dsn string) (at, latest int64, err error) {
	err = withProvider(dsn, func(p *goose.Provider) (err error) {
		if at, latest, err = p.GetVersions(ctx); err != nil {
			return fmt.Errorf("looking for missing migrations: %w", err)
		}
		return nil
	})
	return at, latest, err
}

// List gives every migration in order.
func List(ctx context.Context, dsn string) ([]Status, error) {
	var list []Status
	err := withProvider(dsn, func(p *goose.Provider) error {
		all, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("reading the migrations' status: %w", err)
		}
		for _, m := range all {
			list = append(list, Status{Version: m.Source.Version, Name: m.Source.Path, AppliedAt: m.AppliedAt})
		}
		return nil
	})
	return list, err
}

// Latest is the version of the newest migration this program knows.
func Latest() (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("listing the embedded migrations: %w", err)
	}
	return goose.NumericComponent(names[len(names)-1])
}

func withProvider(dsn string, do func(*goose.Provider) error) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("reading the database's address: %w", err)
	}
	// A link that goes silent is noticed, and a migration may still take as long as it takes.
	config.ConnectTimeout = connectTimeout
	config.DialFunc = (&net.Dialer{KeepAlive: connectTimeout}).DialContext
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { slog.Info("the database says", "notice", n.Message) }
	conn := stdlib.OpenDB(*config)
	defer func() { _ = conn.Close() }() // what it did is done; there is nobody to tell
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("making the migration lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	return do(p)
}

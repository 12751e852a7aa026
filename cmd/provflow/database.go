package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/embedded"
	"github.com/openova-io/provflow/migrations"
	"github.com/openova-io/provflow/service/backoff"
)

// databaseFlags say where the data is.
type databaseFlags struct {
	DatabaseURL       string `env:"DATABASE_URL" placeholder:"URL" help:"Postgres to use; without it a private one is started in the data folder."`
	DatabaseURLDirect string `env:"DATABASE_URL_DIRECT" placeholder:"URL" help:"The same Postgres without a pooler in between, for the listener."`
	DataDir           string `env:"PROVFLOW_DATA_DIR" default:"provflow-data" placeholder:"DIR" help:"Folder of the private Postgres (${default})."`
	PostgresBin       string `env:"PROVFLOW_POSTGRES_BIN" placeholder:"DIR" help:"Folder of the programs initdb and postgres; looked for where it is not given."`
}

// database is where the data is, once it can be reached.
type database struct {
	url, direct string
	private     *embedded.Server // nil: somebody else's
	options     embedded.Options
}

// open starts the private server where no other is named.
func (f databaseFlags) open(ctx context.Context, log *slog.Logger) (*database, error) {
	if f.DatabaseURL != "" {
		return f.named()
	}
	options := embedded.Options{DataDir: f.DataDir, BinDir: f.PostgresBin, Logger: log}
	server, err := embedded.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	log.Info("private Postgres started", "folder", server.DataDir())
	return &database{url: server.DSN(), direct: server.DSN(), private: server, options: options}, nil
}

// named is somebody else's server. An address that cannot be read is no server that may
// come up yet, so it is refused here and not waited for.
func (f databaseFlags) named() (*database, error) {
	d := &database{url: f.DatabaseURL, direct: cmp.Or(f.DatabaseURLDirect, f.DatabaseURL)}
	if _, err := pgxpool.ParseConfig(d.url); err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w; use postgres://user:password@host:5432/database", err)
	}
	if _, err := pgxpool.ParseConfig(d.direct); err != nil {
		return nil, fmt.Errorf("DATABASE_URL_DIRECT: %w", err)
	}
	return d, nil
}

// store opens the pool. Where the direct address is another one, the first goes through a pooler.
func (d *database) store(ctx context.Context, options ...db.Option) (*db.Store, error) {
	if d.url != d.direct {
		options = append(options, db.ThroughPooler())
	}
	return db.Open(ctx, d.url, time.Now, options...)
}

// withOwnStore opens the database for one command, to which a private server belongs meanwhile.
func (f databaseFlags) withOwnStore(ctx context.Context, do func(*db.Store) error) error {
	log := slog.Default()
	d, err := f.open(ctx, log)
	if err != nil {
		return err
	}
	defer d.close(log)
	store, err := d.store(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return do(store)
}

// migrate brings the schema up to date. A migration may take as long as it takes.
func (d *database) migrate(ctx context.Context, log *slog.Logger) error {
	return waitFor(ctx, log, func(try context.Context) error {
		at, latest, err := migrations.Versions(try, d.direct)
		switch {
		case err != nil:
			return err
		case at > latest:
			log.Warn("a newer program has brought the schema up to date; serving beside it", "schema", at, "program", latest)
			return nil
		case at == latest:
			return nil
		}
		return migrations.Up(ctx, d.direct) // its lock is of a session, which a pooler may not keep
	})
}

// At the start the database is waited for as long as startPatience, and each try may take
// tryPatience: a link that swallows everything is no reason to give up.
const (
	startPatience = time.Minute
	tryPatience   = 5 * time.Second
	tryPause      = time.Second
)

// waitFor tries something until it works: the server may not be there yet, or go away just now.
func waitFor(ctx context.Context, log *slog.Logger, do func(try context.Context) error) error {
	for end := time.Now().Add(startPatience); ; backoff.Wait(ctx, tryPause) {
		try, cancel := context.WithTimeout(ctx, tryPatience)
		err := do(try)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("the database could not be prepared; is DATABASE_URL right, and is the server up? %w", err)
		}
		log.Warn("the database is not ready; trying again", "error", err)
	}
}

// restartPause lies between two tries to start the private server again.
const restartPause = time.Second

// keepRunning starts the private server again whenever it ends by itself. One that does
// not come up (no room left, killed while it starts) is tried for as long as the program
// runs: streams stay open, and reads and writes are answered with 503 meanwhile.
func (d *database) keepRunning(ctx context.Context, log *slog.Logger) error {
	if d.private == nil {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.private.Done():
		}
		log.Error("the private Postgres has ended; starting it again")
		if err := d.restart(ctx, log); err != nil && ctx.Err() == nil {
			log.Error("the private Postgres cannot be started; trying again", "error", err, "in", restartPause)
			backoff.Wait(ctx, restartPause)
		}
	}
}

func (d *database) restart(ctx context.Context, log *slog.Logger) error {
	if err := d.private.Stop(ctx); err != nil {
		log.Warn("clearing up after the private Postgres", "error", err)
	}
	server, err := embedded.Start(ctx, d.options)
	if err != nil {
		return err
	}
	if server.DSN() != d.url {
		return errors.Join(errors.New("it came back at another address; start provflow again"), server.Stop(ctx))
	}
	d.private = server
	return nil
}

// close stops the private server.
func (d *database) close(log *slog.Logger) {
	if d.private == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := d.private.Stop(ctx); err != nil {
		log.Error("stopping the private Postgres", "error", err)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/openova-io/provflow/db/embedded"
	"github.com/openova-io/provflow/migrations"
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
		d := &database{url: f.DatabaseURL, direct: f.DatabaseURLDirect}
		if d.direct == "" {
			d.direct = d.url
		}
		return d, nil
	}
	options := embedded.Options{DataDir: f.DataDir, BinDir: f.PostgresBin, Logger: log}
	server, err := embedded.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	log.Info("private Postgres started", "folder", server.DataDir())
	return &database{url: server.DSN(), direct: server.DSN(), private: server, options: options}, nil
}

// migrate brings the schema up to date, waiting a while for a server that is not there yet.
func (d *database) migrate(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := migrations.Up(ctx, d.url)
		if err == nil {
			return nil
		}
		log.Warn("the database is not ready; trying again", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("the database could not be prepared; is DATABASE_URL right, and is the server up? %w", err)
		case <-time.After(time.Second):
		}
	}
}

// keepRunning starts the private server again whenever it ends by itself.
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
			return err
		}
	}
}

func (d *database) restart(ctx context.Context, log *slog.Logger) error {
	if err := d.private.Stop(ctx); err != nil {
		log.Warn("clearing up after the private Postgres", "error", err)
	}
	server, err := embedded.Start(ctx, d.options)
	if err != nil {
		return fmt.Errorf("starting the private Postgres again: %w", err)
	}
	if server.DSN() != d.url {
		return errors.Join(errors.New("the private Postgres came back at another address; start provflow again"), server.Stop(ctx))
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

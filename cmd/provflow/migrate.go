package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/openova-io/provflow/migrations"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is missing."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and when they were applied."`
}

type migrateUpCmd struct{ databaseFlags }

func (c *migrateUpCmd) Run(ctx context.Context) error {
	log := slog.Default()
	d, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer d.close(log)
	if err := d.migrate(ctx, log); err != nil {
		return err
	}
	latest, err := migrations.Latest()
	if err == nil {
		fmt.Println("the schema is at version", latest)
	}
	return err
}

type migrateStatusCmd struct{ databaseFlags }

func (c *migrateStatusCmd) Run(ctx context.Context) error {
	log := slog.Default()
	d, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer d.close(log)
	list, err := migrations.List(ctx, d.url)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range list {
		applied := "pending"
		if !m.AppliedAt.IsZero() {
			applied = m.AppliedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\n", m.Version, m.Name, applied)
	}
	return w.Flush()
}

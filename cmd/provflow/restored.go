package main

import (
	"context"
	"fmt"

	"github.com/openova-io/provflow/db"
)

type restoredCmd struct{ databaseFlags }

// Help implements kong.HelpProvider.
func (restoredCmd) Help() string {
	return "A copy of the data folder, or rows loaded into a database that was in use, cannot be told from what was there " +
		"before: versions that clients know may mean something else now. After this, each client that comes back is given the " +
		"whole flow. Stop the servers, restore, run this, start them. Done once too often it costs a snapshot for each client."
}

// Run gives every flow another epoch.
func (c *restoredCmd) Run(ctx context.Context) error {
	return c.withOwnStore(ctx, func(store *db.Store) error {
		n, err := store.RenewEpochs(ctx)
		if err == nil {
			fmt.Printf("%d flows have another history from now on\n", n)
		}
		return err
	})
}

package main

import (
	"context"
	"fmt"

	"github.com/openova-io/provflow/db"
)

type checkCmd struct {
	databaseFlags
	Flows []string `arg:"" optional:"" name:"flow" help:"Flows to check; all of them where none is named."`
}

// Run counts every group's leaves afresh. What is stored follows from what was written;
// a database restored by hand or edited with SQL may not be.
func (c *checkCmd) Run(ctx context.Context) error {
	return c.withOwnStore(ctx, func(store *db.Store) error { return c.check(ctx, store) })
}

func (c *checkCmd) check(ctx context.Context, store *db.Store) error {
	flows, wrong := 0, 0
	check := func(id string) error {
		differences, err := store.CheckRollUps(ctx, id)
		for _, line := range differences {
			fmt.Println(line)
		}
		flows, wrong = flows+1, wrong+len(differences)
		return err
	}
	if err := c.each(ctx, store, check); err != nil {
		return err
	}
	fmt.Printf("%d flows checked, %d roll-ups differ\n", flows, wrong)
	if wrong > 0 {
		return fmt.Errorf("%d roll-ups differ from their leaves", wrong)
	}
	return nil
}

func (c *checkCmd) each(ctx context.Context, store *db.Store, check func(string) error) error {
	if len(c.Flows) == 0 {
		return store.EachFlow(ctx, check)
	}
	known, err := store.Cursors(ctx, c.Flows)
	if err != nil {
		return err
	}
	for _, id := range c.Flows {
		if _, found := known[id]; !found {
			return fmt.Errorf("there is no flow %q", id)
		}
		if err := check(id); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/openova-io/provflow/db"
)

// daysAhead is how many days of log partitions are made before they are needed.
const daysAhead = 7

// keepPartitions makes log partitions ahead of time. When it fails nothing is lost: lines
// without a partition of their day go to the default one.
func keepPartitions(ctx context.Context, store *db.Store, log *slog.Logger) error {
	for {
		if err := store.EnsureLogPartitions(ctx, time.Now().UTC(), daysAhead); err != nil && ctx.Err() == nil {
			log.Warn("making log partitions; trying again in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Hour):
		}
	}
}

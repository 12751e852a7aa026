package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
)

// pipeline collects the statements of generated queries, to be sent in one round trip.
// What queries that return something say of their result is to be ignored: the same calls
// are made again on what came back (see answers).
type pipeline struct {
	dbsqlc.DBTX // nil
	batch       pgx.Batch
}

// errQueued is what a queued query gives in place of a result.
var errQueued = errors.New("db: queued, not sent yet")

// Exec queues the statement.
func (p *pipeline) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	p.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

// Query queues the statement.
func (p *pipeline) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	p.batch.Queue(sql, args...)
	return nil, errQueued
}

// QueryRow queues the statement.
func (p *pipeline) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	p.batch.Queue(sql, args...)
	return queuedRow{}
}

type queuedRow struct{}

// Scan implements pgx.Row.
func (queuedRow) Scan(...any) error { return errQueued }

// answers gives the results of a pipeline, in its order, to the queries that queued it.
type answers struct {
	dbsqlc.DBTX // nil
	results     pgx.BatchResults
}

// Query gives the next result.
func (a answers) Query(context.Context, string, ...any) (pgx.Rows, error) { return a.results.Query() }

// QueryRow gives the next result.
func (a answers) QueryRow(context.Context, string, ...any) pgx.Row { return a.results.QueryRow() }

package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// patience is how long a statement may take whose caller sets no bound of its own. A link
// that swallows everything, as a firewall does that forgot the connection, is noticed by
// nothing else: whoever asked would wait for ever, and so would a stop of the program.
const patience = 10 * time.Second

// bounded gives a context that ends; the caller's own where that does already.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ends := ctx.Deadline(); ends {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}

// patient is a pool of which every statement is bounded.
type patient struct{ *pgxpool.Pool }

// Exec implements dbsqlc.DBTX.
func (p patient) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return p.Pool.Exec(ctx, sql, args...)
}

// Query implements dbsqlc.DBTX.
func (p patient) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return query(ctx, p.Pool.Query, sql, args)
}

// QueryRow implements dbsqlc.DBTX.
func (p patient) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return queryRow(ctx, p.Pool.QueryRow, sql, args)
}

// Begin is for pgx.BeginFunc.
func (p patient) Begin(ctx context.Context) (pgx.Tx, error) { return p.BeginTx(ctx, pgx.TxOptions{}) }

// BeginTx is for pgx.BeginTxFunc.
func (p patient) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	tx, err := p.Pool.BeginTx(ctx, o)
	return patientTx{tx}, err
}

// patientTx is a transaction of which every statement is bounded.
type patientTx struct{ pgx.Tx }

// Exec implements pgx.Tx.
func (t patientTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return t.Tx.Exec(ctx, sql, args...)
}

// Query implements pgx.Tx.
func (t patientTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return query(ctx, t.Tx.Query, sql, args)
}

// QueryRow implements pgx.Tx.
func (t patientTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return queryRow(ctx, t.Tx.QueryRow, sql, args)
}

// Commit implements pgx.Tx.
func (t patientTx) Commit(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return t.Tx.Commit(ctx)
}

// Rollback implements pgx.Tx.
func (t patientTx) Rollback(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return t.Tx.Rollback(ctx)
}

func query(ctx context.Context, ask func(context.Context, string, ...any) (pgx.Rows, error), sql string, args []any) (pgx.Rows, error) {
	ctx, cancel := bounded(ctx)
	rows, err := ask(ctx, sql, args...)
	if err != nil {
		cancel()
		return rows, err
	}
	return patientRows{rows, cancel}, nil
}

func queryRow(ctx context.Context, ask func(context.Context, string, ...any) pgx.Row, sql string, args []any) pgx.Row {
	ctx, cancel := bounded(ctx)
	return patientRow{ask(ctx, sql, args...), cancel}
}

// patientRows free their bound when they are read or closed.
type patientRows struct {
	pgx.Rows
	done context.CancelFunc
}

// Next implements pgx.Rows.
func (r patientRows) Next() bool {
	more := r.Rows.Next()
	if !more {
		r.done()
	}
	return more
}

// Close implements pgx.Rows.
func (r patientRows) Close() {
	r.Rows.Close()
	r.done()
}

// patientRow frees its bound when it is read.
type patientRow struct {
	pgx.Row
	done context.CancelFunc
}

// Scan implements pgx.Row.
func (r patientRow) Scan(into ...any) error {
	defer r.done()
	return r.Row.Scan(into...)
}

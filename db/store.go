package db

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
)

// Store reads and writes flows. It is safe for concurrent use.
type Store struct {
	pool patient
	q    *dbsqlc.Queries
	now  func() time.Time

	exports chan struct{} // one for each archive that is being written
	portion int32         // of a long history that is removed
}

// Option changes how a store is opened.
type Option func(*pgxpool.Config)

// WithTracer has every statement told to a tracer; nil for none.
func WithTracer(t pgx.QueryTracer) Option {
	return func(c *pgxpool.Config) { c.ConnConfig.Tracer = t }
}

// ThroughPooler is for a pooler in between that lends connections by transaction, as
// PgBouncer does: what was prepared on one is not there on the next, so nothing is kept
// prepared but the types of a statement. An address that says otherwise is left alone.
func ThroughPooler() Option {
	return func(c *pgxpool.Config) {
		if !strings.Contains(c.ConnString(), "default_query_exec_mode") {
			c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		}
		c.AfterConnect = nil // a setting would stay with a connection that others are lent
	}
}

// Open makes the pool for a DSN; it does not wait for the database to be there. The
// clock says when things are recorded.
func Open(ctx context.Context, dsn string, now func() time.Time, options ...Option) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("reading the database's address: %w", err)
	}
	if _, set := config.ConnConfig.RuntimeParams["application_name"]; !set {
		config.ConnConfig.RuntimeParams["application_name"] = "provflow"
	}
	config.MinIdleConns = 2
	config.MaxConns = max(config.MaxConns, 10)
	config.ConnConfig.ConnectTimeout = 3 * time.Second
	config.PingTimeout = 2 * time.Second
	config.AfterConnect = boundIdle
	for _, set := range options {
		set(config)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("making the connection pool: %w", err)
	}
	return &Store{pool: patient{pool}, q: dbsqlc.New(patient{pool}), now: now, exports: make(chan struct{}, exportsAtOnce), portion: usualPortion}, nil
}

// boundIdle has the server give up a transaction in which nothing is said for a minute. Ours
// never pause as long, but a replica may lose its link in the middle of one: the flow that
// it holds could not be written by anybody until the server noticed, which by TCP's own
// measure takes hours. A bound that the server, the role or the address has is left alone.
func boundIdle(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', '1min', false)
		WHERE current_setting('idle_in_transaction_session_timeout') = '0'`)
	return err
}

// Close waits for running queries and closes the pool.
func (s *Store) Close() { s.pool.Close() }

// Pool gives the pool to those who send statements of their own (the notifier).
func (s *Store) Pool() *pgxpool.Pool { return s.pool.Pool }

// SchemaVersion is the newest migration that is applied.
func (s *Store) SchemaVersion(ctx context.Context) (version int64, err error) {
	// Goose's own table, which the schema folder does not describe.
	err = s.pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	return version, mapError(err)
}

// Schema is the schema the tables are in.
func (s *Store) Schema(ctx context.Context) (name string, err error) {
	err = s.pool.QueryRow(ctx, `SELECT current_schema()`).Scan(&name)
	return name, mapError(err)
}

// NotificationQueueUsage is the part of the server's queue of notifications that is in
// use, from 0 to 1. It fills when some listener is in a transaction that does not end,
// and a full one makes every notifying commit fail.
func (s *Store) NotificationQueueUsage(ctx context.Context) (used float64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT pg_notification_queue_usage()`).Scan(&used)
	return used, mapError(err)
}

// reading has several reads see one moment.
func (s *Store) reading(ctx context.Context, do func(q *dbsqlc.Queries) error) error {
	return mapError(pgx.BeginTxFunc(ctx, s.pool, readOnce, func(tx pgx.Tx) error { return do(s.q.WithTx(tx)) }))
}

// newEpoch tells one life of a flow from the next.
func newEpoch() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

func stamp(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}

// instant gives the zero time for NULL, and UTC always: times are compared with ==.
func instant(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

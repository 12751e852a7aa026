package db_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// statements notes the names of the generated queries that are sent: a tracer.
type statements struct {
	mu    sync.Mutex
	names map[string]bool
}

var named = regexp.MustCompile(`(?m)^-- name: (\w+)`)

func (s *statements) note(sql string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range named.FindAllStringSubmatch(sql, -1) {
		s.names[m[1]] = true
	}
}

// take gives what was sent since it was last asked.
func (s *statements) take() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.names
	s.names = map[string]bool{}
	return names
}

// TraceQueryStart implements pgx.QueryTracer.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	s.note(d.SQL)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	for _, q := range d.Batch.QueuedQueries {
		s.note(q.SQL)
	}
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (*statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (*statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// met collects what all operations together have met.
type met struct {
	mu         sync.Mutex
	operations int
	queries    map[string]bool
}

func (m *met) add(names map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.operations++
	maps.Copy(m.queries, names)
}

// everyQuery wants every query of the program to be among them, unless only some of the operations were asked for.
func (m *met) everyQuery(t *testing.T) {
	if m.operations < len(operations()) {
		return
	}
	files, err := filepath.Glob("../queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no queries: %v", err)
	}
	all := &statements{names: map[string]bool{}}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.note(string(text))
	}
	for _, name := range slices.Sorted(maps.Keys(all.names)) {
		if !m.queries[name] {
			t.Errorf("%s meets no fault: no operation asks it; add one that does", name)
		}
	}
}

// everyTable wants the effects in every table to be looked at.
func everyTable(t *testing.T, dsn string) {
	t.Helper()
	for _, table := range column(t, dsn, `SELECT relname::text FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'goose_db_version'`) {
		if tables[table] == "" {
			t.Errorf("what operations do to table %s is not looked at", table)
		}
	}
}

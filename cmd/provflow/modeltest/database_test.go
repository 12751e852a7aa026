package modeltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// database is what an operator can do to it, past the program.
type database struct {
	t      testing.TB
	conn   *pgx.Conn
	tables []table // that hold a flow's rows; flows, which they refer to, first
}

type table struct{ Name, Columns string }

func newDatabase(t testing.TB, dsn string) *database {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	d := &database{t: t, conn: conn}
	rows, _ := conn.Query(context.Background(), `SELECT c.relname::text, string_agg(quote_ident(a.attname), ', ') FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		GROUP BY c.relname HAVING bool_or(a.attname = 'flow_id')
		ORDER BY c.relname <> 'flows', 1`)
	if d.tables, err = pgx.CollectRows(rows, pgx.RowToStructByPos[table]); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *database) exec(sql string, args ...any) {
	d.t.Helper()
	if _, err := d.conn.Exec(context.Background(), sql, args...); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
}

func (d *database) killListeners() {
	d.t.Helper()
	d.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'provflow-listener' AND datname = current_database()`)
}

// saved is every row of a flow, table by table.
type saved struct {
	id   string
	rows map[string]string
}

func (d *database) save(id string) *saved {
	d.t.Helper()
	s := &saved{id: id, rows: map[string]string{}}
	for _, table := range d.tables {
		var rows string
		sql := fmt.Sprintf(`SELECT coalesce(json_agg(t), '[]')::text FROM %s t WHERE flow_id = $1`, table.Name)
		if err := d.conn.QueryRow(context.Background(), sql, id).Scan(&rows); err != nil {
			d.t.Fatal(err)
		}
		s.rows[table.Name] = rows
	}
	return s
}

// restore puts the rows back in one transaction and says, as an operator must who loads a
// backup into a database that goes on, that this is another history.
func (d *database) restore(s *saved) {
	d.t.Helper()
	d.exec(`BEGIN`)
	for i := len(d.tables) - 1; i >= 0; i-- {
		d.exec(fmt.Sprintf(`DELETE FROM %s WHERE flow_id = $1`, d.tables[i].Name), s.id)
	}
	for _, table := range d.tables {
		d.exec(fmt.Sprintf(`INSERT INTO %[1]s (%[2]s) OVERRIDING SYSTEM VALUE
			SELECT %[2]s FROM json_populate_recordset(NULL::%[1]s, $1::text::json)`, table.Name, table.Columns), s.rows[table.Name])
	}
	d.exec(`UPDATE flows SET epoch = $2 WHERE flow_id = $1`, s.id, rand.Text()[:8])
	d.exec(`COMMIT`)
}

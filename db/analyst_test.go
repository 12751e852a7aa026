package db_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"
)

// calls has a call of every function in the schema, by name, about the flows f7 and f8.
var calls = map[string]string{
	"at": `at('f7', now() - interval '1 hour')`, "clock_of": `clock_of('f7', now())`, "start_of": `start_of('f7')`, "compare": `compare('f7', 'f8')`,
	"component_stats": `component_stats('2026-01-02Z', '2026-01-03Z')`, "critical_path": `critical_path('f7')`, "diagnose": `diagnose('f7')`,
	"estimate": `estimate('f7')`, "held_by": `held_by('f7', '{f7:job-5}')`, "jobs_of": `jobs_of('{f7,f8}', '{e,e}')`,
	"live_attempts": `live_attempts('f7', now())`, "live_provision": `live_provision('f7')`, "live_timeline": `live_timeline('f7')`,
	"runs_beside": `runs_beside('f7', '{f8}', '{e}')`, "runs_like": `runs_like('f7')`,
}

// questions gives one about each view and each function of the schema.
func questions(t testing.TB, conn *pgx.Conn) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, m := range members(t, conn) {
		name, _, function := strings.Cut(m.Name, "(")
		switch {
		case function && calls[name] == "":
			t.Errorf("the tests do not know how to call %s", m.Name)
		case function:
			all[name+"()"] = `SELECT * FROM analytics.` + calls[name]
		case m.View != "" && m.Name == "":
			all[m.View] = `SELECT * FROM analytics.` + m.View
		}
	}
	return all
}

// An analyst reads each view and each function there is, and of what is outside the schema
// no table, sequence or function that the migrations made.
func TestAnAnalystReadsTheSchemaAndNothingElse(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	for _, id := range []string{"f7", "f8"} {
		g := rapid.Custom(func(rt *rapid.T) generated { return drawFlow(rt, id) }).Example(1)
		g.store(t, store)
	}
	owner, conn := connect(t, dsn), connect(t, dsn)
	exec(t, conn, `GRANT provflow_analyst TO CURRENT_USER`, `SET ROLE provflow_analyst`)
	for name, question := range questions(t, owner) {
		if _, err := conn.Exec(t.Context(), question); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, statement := range forbidden(t, owner) {
		_, err := conn.Exec(t.Context(), statement)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" && pg.Code != "55000" { // no right to it, or a view that nobody can write
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// forbidden gives statements that read and write everything there is, but for the views
// of the schema, which are only written.
func forbidden(t testing.TB, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT format(s.form, c.oid::regclass)
		FROM pg_class c
		CROSS JOIN (VALUES ('SELECT FROM %s'), ('DELETE FROM %s'), ('INSERT INTO %s DEFAULT VALUES')) AS s(form)
		WHERE c.relkind IN ('r', 'p', 'v', 'm')
			AND c.relnamespace IN ('public'::regnamespace, 'analytics'::regnamespace)
			AND (c.relnamespace <> 'analytics'::regnamespace OR s.form NOT LIKE 'SELECT%')
		UNION ALL
		SELECT format('SELECT nextval(%L)', c.oid::regclass) FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(list) < 50 {
		t.Fatal(len(list), err)
	}
	return append(list, `CREATE TABLE analytics.mine (id integer)`, `CREATE TABLE public.mine (id integer)`, `SELECT ensure_log_partition(current_date)`)
}

// Where the migrations' user may make no roles, they say so and go on.
func TestTheRoleIsMissedWhereItMayNotBeMade(t *testing.T) {
	t.Parallel()
	_, dsn := setup(t)
	raw, err := os.ReadFile("../migrations/00027_analytics_role.sql")
	if err != nil {
		t.Fatal(err)
	}
	up, _, _ := strings.Cut(string(raw), "-- +goose Down")
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var notices []string
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { notices = append(notices, n.Message) }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{
		`CREATE ROLE provflow_test_humble NOLOGIN`, `GRANT provflow_test_humble TO CURRENT_USER`, `SET ROLE provflow_test_humble`,
		strings.ReplaceAll(up, "provflow_analyst", "provflow_test_nobody"), `RESET ROLE`, `DROP ROLE provflow_test_humble`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Errorf("%.40s: %v", statement, err)
		}
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "CREATEROLE") {
		t.Errorf("it said %q", notices)
	}
}

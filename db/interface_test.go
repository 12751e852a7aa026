package db_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

var update = flag.Bool("update", false, "write docs/analytics.md anew, and record what the schema analytics gained")

const (
	docFile      = "../docs/analytics.md"
	recordedFile = "testdata/analytics.txt"
)

// member is a column of a view, a function, a view (no type) or the schema (no name).
type member struct {
	View, Name, Type, Comment string
}

func (m member) String() string { return fmt.Sprintf("%s.%s %s", m.View, m.Name, m.Type) }

// members lists the interface in the order of the documentation.
func members(t testing.TB, conn *pgx.Conn) []member {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT view, name, type, coalesce(comment, '') FROM (
			SELECT 0 AS kind, '' AS view, '' AS name, '' AS type, obj_description('analytics'::regnamespace, 'pg_namespace') AS comment, 0 AS n
			UNION ALL
			SELECT 1, c.relname::text, coalesce(a.attname::text, ''), coalesce(format_type(a.atttypid, a.atttypmod), ''),
				col_description(c.oid, n.n), n.n
			FROM pg_class c
			CROSS JOIN LATERAL (SELECT 0 AS n UNION ALL SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) n
			LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.n AND n.n > 0
			WHERE c.relnamespace = 'analytics'::regnamespace AND c.relkind = 'v'
			UNION ALL
			SELECT 2, '', p.proname::text || '(' || pg_get_function_arguments(p.oid) || ')', pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'), 0
			FROM pg_proc p
			WHERE p.pronamespace = 'analytics'::regnamespace
		) m
		ORDER BY kind, view COLLATE "C", n, name COLLATE "C"`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[member])
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].View != "" && list[i].Name == "" {
			err = conn.QueryRow(t.Context(), `SELECT coalesce(obj_description(('analytics.' || $1)::regclass, 'pg_class'), '')`, list[i].View).Scan(&list[i].Comment)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return list
}

// Everything in the schema says what it is, and the documentation is what it says.
func TestTheDocumentationOfTheSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	_, dsn := setup(t)
	list := members(t, connect(t, dsn))
	for _, m := range list {
		if m.Comment == "" {
			t.Errorf("%s has no comment", m)
		}
	}
	want := document(list)
	got, err := os.ReadFile(docFile)
	if *update {
		err = os.WriteFile(docFile, []byte(want), 0o600)
	} else if string(got) != want {
		t.Error("docs/analytics.md is not current: run `make generate`")
	}
	if err != nil {
		t.Error(err)
	}
}

// What was once in the schema stays in it, with its type: people's queries depend on it.
func TestTheSchemaStaysCompatible(t *testing.T) {
	t.Parallel()
	_, dsn := setup(t)
	var now []string
	for _, m := range members(t, connect(t, dsn)) {
		now = append(now, m.String())
	}
	raw, err := os.ReadFile(recordedFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	recorded := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range recorded {
		if line != "" && !slices.Contains(now, line) {
			t.Errorf("gone or changed: %s", line)
		}
	}
	for _, line := range now {
		if slices.Contains(recorded, line) {
			continue
		}
		if !*update {
			t.Errorf("not recorded: %s; run `make generate`", line)
		}
		recorded = append(recorded, line)
	}
	if *update {
		slices.Sort(recorded)
		if err := os.WriteFile(recordedFile, []byte(strings.TrimSpace(strings.Join(recorded, "\n"))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// document writes the interface down.
func document(list []member) string {
	var b strings.Builder
	b.WriteString(docHead)
	functions := false
	for _, m := range list {
		switch {
		case m.View == "" && m.Name == "":
			fmt.Fprintf(&b, "%s\n\n# Views\n", m.Comment)
		case m.View == "":
			if !functions {
				b.WriteString("\n# Functions\n")
				functions = true
			}
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\nGives `%s`.\n", m.Name, m.Comment, m.Type)
		case m.Name == "":
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| column | type | |\n|---|---|---|\n", m.View, m.Comment)
		default:
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, m.Type, m.Comment)
		}
	}
	return b.String()
}

const docHead = `<!-- Made from the comments in the database by ` + "`make generate`" + `: change those. -->
# The schema analytics

What provflow knows, as views and functions for any client of PostgreSQL. They are an interface: what is here
stays, with its name, type and meaning; columns and arguments are added at the end. Everything else in the database
may change with any version.

    SELECT name, waited_seconds, blocker_job_id FROM analytics.timeline
    WHERE flow_id = 'my-deployment' AND latest ORDER BY started_at;

    SELECT step, name, idle_seconds, ran_seconds FROM analytics.critical_path('my-deployment');

    SELECT * FROM analytics.component_stats(now() - interval '30 days', now()) ORDER BY ran_p90_seconds DESC;

| question | ask | look at |
|---|---|---|
| Why was run b slower than run a? | ` + "`compare(a, b)`" + ` | by ` + "`more_seconds`" + `; what is ` + "`moved-on`" + ` or ` + "`on`" + ` in ` + "`path`" + ` decided the end |
| What is to be made faster? | ` + "`critical_path(flow)`" + ` | the longest ` + "`ran_seconds`" + ` |
| What could run at the same time? | ` + "`blockers`" + ` | the sum of ` + "`blocked_seconds`" + ` by ` + "`blocker_job_id`" + `: what waits for it, and need not? |
| Which component fails most? | ` + "`flakiness`" + ` | by ` + "`failures`" + `; what it said is in ` + "`log_errors`" + ` |
| What failed, and what does that stop? | ` + "`diagnose(flow)`" + ` | rows of role root first |
| When will it be done? | ` + "`estimate(flow)`" + ` | the row of kind flow; no row where nothing runs |

**Who may read it.** The role ` + "`provflow_analyst`" + ` may read this schema and nothing else; it cannot log in. Grant it:

    CREATE ROLE ann LOGIN PASSWORD '…' IN ROLE provflow_analyst;
    ALTER ROLE ann SET default_transaction_read_only = on;
    ALTER ROLE ann SET statement_timeout = '30s';

The migrations make the role where their user may (` + "`CREATEROLE`" + `); else they say so and go on, and somebody who may makes it:

    CREATE ROLE provflow_analyst NOLOGIN;
    GRANT USAGE ON SCHEMA analytics TO provflow_analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO provflow_analyst;

The schema has one name, so a database holds one provflow. Narrow by ` + "`flow_id`" + ` where you can: each view then looks at
that flow only. Over all flows, what has ended is read as it was kept, and what goes on is computed flow by flow.

`

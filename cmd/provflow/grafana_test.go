package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openova-io/provflow/db/dbtest"
)

const grafanaFolder = "../../deploy/grafana/"

// dashboard is what of Grafana's model says which queries there are.
type dashboard struct {
	UID        string
	Panels     []grafanaPanel
	Templating struct {
		List []struct{ Name, Query string }
	}
}

type grafanaPanel struct {
	ID          int
	Type, Title string
	Datasource  struct{ UID string }
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ Format, RawSQL string }
	FieldConfig struct {
		Overrides []struct{ Matcher struct{ ID, Options string } }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(grafanaFolder + "dashboards/provflow.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

var grafanaMacro = regexp.MustCompile(`\$__timeFilter\(([^)]*)\)`)

// asGrafana fills in macros and variables as Grafana's PostgreSQL data source does.
func asGrafana(sql, flowID string, from, to time.Time) string {
	literal := func(t time.Time) string { return "'" + t.UTC().Format(time.RFC3339) + "'" }
	sql = grafanaMacro.ReplaceAllString(sql, "$1 BETWEEN "+literal(from)+" AND "+literal(to))
	return strings.NewReplacer(
		"$__timeFrom()", literal(from), "$__timeTo()", literal(to),
		"${flow:sqlstring}", "'"+strings.ReplaceAll(flowID, "'", "''")+"'",
	).Replace(sql)
}

// analyst is a connection that may do what the reading role may.
func analyst(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	for _, sql := range []string{`GRANT provflow_analyst TO CURRENT_USER`, `SET ROLE provflow_analyst`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// Every query of the dashboard is one that the reading role may ask, gives rows where there
// is something to show, and has the columns that its panel formats.
func TestGrafanaQueries(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	fleet(t, func(id string, lines ...string) { r.post(id, lines...) })
	r.post("a-7", kitRun(30 * 3600)[:11]...)
	r.post("a-7", event(30*3600+201, "component-log", "component", "keycloak", "level", "error", "message", "context deadline exceeded"))
	conn, d := analyst(t, dsn), readDashboard(t)
	from, to := noon.Add(-time.Hour), noon.Add(48*time.Hour)
	for _, v := range d.Templating.List {
		if _, rows := rowsOf(t, conn, asGrafana(v.Query, "", from, to)); rows < 6 {
			t.Errorf("variable %s has %d values", v.Name, rows)
		}
	}
	asked := 0
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			asked++
			columns, rows := rowsOf(t, conn, asGrafana(target.RawSQL, "a-7", from, to))
			if rows == 0 {
				t.Errorf("%s: no rows", p.Title)
			}
			checkColumns(t, p, target.Format, columns)
			rowsOf(t, conn, asGrafana(target.RawSQL, "it's '; none", from, to)) // a name that is none breaks nothing
		}
	}
	if asked < 18 || d.UID != "provflow" {
		t.Errorf("%d queries in %q", asked, d.UID)
	}
}

// rowsOf gives the types of a query's columns and how many rows it has.
func rowsOf(t *testing.T, conn *pgx.Conn, sql string) (columns map[string]uint32, n int) {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Errorf("%v in\n%s", err, sql)
		return nil, 0
	}
	columns = map[string]uint32{}
	for _, f := range rows.FieldDescriptions() {
		columns[f.Name] = f.DataTypeOID
	}
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Errorf("%v in\n%s", err, sql)
	}
	return columns, n
}

// checkColumns wants what a panel formats to be there, and of a series its time.
func checkColumns(t *testing.T, p grafanaPanel, format string, columns map[string]uint32) {
	t.Helper()
	if format == "time_series" && columns["time"] != pgtype.TimestamptzOID {
		t.Errorf("%s: no time in %v", p.Title, columns)
	}
	for _, o := range p.FieldConfig.Overrides {
		pattern, found := o.Matcher.Options, format == "time_series" // whose columns are named by its rows
		if o.Matcher.ID == "byName" {
			pattern = "^" + regexp.QuoteMeta(pattern) + "$"
		}
		for name := range columns {
			found = found || regexp.MustCompile(pattern).MatchString(name)
		}
		if !found {
			t.Errorf("%s formats %q, which is not in %v", p.Title, o.Matcher.Options, columns)
		}
	}
}

// Panels lie beside each other and not over each other, and read the data source that is
// provisioned with them.
func TestGrafanaPanels(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(grafanaFolder + "provisioning/datasources/provflow.yaml")
	if err != nil || !strings.Contains(string(source), "\n    uid: provflow\n") || !strings.Contains(string(source), "type: grafana-postgresql-datasource") {
		t.Errorf("the data source is %s, %v", source, err)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range readDashboard(t).Panels {
		if ids[p.ID] || p.Type != "row" && p.Datasource.UID != "provflow" {
			t.Errorf("%s: id %d, data source %q", p.Title, p.ID, p.Datasource.UID)
		}
		ids[p.ID] = true
		g := p.GridPos
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x > 23 {
					t.Fatalf("%s lies over %s at %d, %d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

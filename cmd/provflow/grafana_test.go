package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/openova-io/provflow/db/dbtest"
)

const grafanaFolder = "../../deploy/grafana/"

// dashboard is what of Grafana's model says which queries there are and how they are shown.
type dashboard struct {
	UID           string
	SchemaVersion int
	Panels        []grafanaPanel
	Templating    struct{ List []grafanaVariable }
}

type grafanaSource struct{ Type, UID string }

type grafanaVariable struct {
	Name, Type, Query string
	Datasource        grafanaSource
	Multi, IncludeAll bool
}

type grafanaPanel struct {
	ID          int
	Type, Title string
	Datasource  grafanaSource
	GridPos     struct{ X, Y, W, H int }
	Targets     []grafanaTarget
	FieldConfig struct {
		Defaults  struct{ Unit string }
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
}

type grafanaTarget struct {
	RefID, Format, RawSQL, EditorMode string
	RawQuery                          bool
	Datasource                        grafanaSource
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

var grafanaMacro = regexp.MustCompile(`\$(__\w+)\(([^)]*)\)`)

// asGrafana fills in variables and macros as Grafana and its PostgreSQL data source do: a
// macro that this does not know, it does not know either.
func asGrafana(t *testing.T, sql, flowID string, from, to time.Time) string {
	t.Helper()
	literal := func(t time.Time) string { return "'" + t.UTC().Format(time.RFC3339Nano) + "'" }
	sql = strings.ReplaceAll(sql, "${flow:sqlstring}", "'"+strings.ReplaceAll(flowID, "'", "''")+"'")
	return grafanaMacro.ReplaceAllStringFunc(sql, func(macro string) string {
		switch parts := grafanaMacro.FindStringSubmatch(macro); parts[1] {
		case "__timeFilter":
			return parts[2] + " BETWEEN " + literal(from) + " AND " + literal(to)
		case "__timeFrom":
			return literal(from)
		case "__timeTo":
			return literal(to)
		}
		t.Errorf("no macro of the data source: %s", macro)
		return macro
	})
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
		if _, rows := rowsOf(t, conn, asGrafana(t, v.Query, "", from, to)); rows < 6 {
			t.Errorf("variable %s has %d values", v.Name, rows)
		}
	}
	asked := 0
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			asked++
			columns, rows := rowsOf(t, conn, asGrafana(t, target.RawSQL, "a-7", from, to))
			if rows == 0 {
				t.Errorf("%s: no rows", p.Title)
			}
			checkColumns(t, p, target.Format, columns)
			rowsOf(t, conn, asGrafana(t, target.RawSQL, "it's '; none", from, to)) // a name that is none breaks nothing
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

// checkColumns wants what a panel formats to be there, of a series its time, and of every
// number the unit that its name says.
func checkColumns(t *testing.T, p grafanaPanel, format string, columns map[string]uint32) {
	t.Helper()
	if format == "time_series" && columns["time"] != pgtype.TimestamptzOID {
		t.Errorf("%s: no time in %v", p.Title, columns)
	}
	for i := range p.FieldConfig.Overrides {
		found := format == "time_series" // whose columns are named by its rows
		for name := range columns {
			found = found || p.overrides(i, name)
		}
		if !found {
			t.Errorf("%s formats %q, which is not in %v", p.Title, p.FieldConfig.Overrides[i].Matcher.Options, columns)
		}
	}
	numbers := []uint32{pgtype.Int4OID, pgtype.Int8OID, pgtype.Float8OID, pgtype.NumericOID}
	for name, oid := range columns {
		if unit := p.unitOf(name); slices.Contains(numbers, oid) && !slices.Contains(p.unitsOf(name), unit) {
			t.Errorf("%s: %s has the unit %q", p.Title, name, unit)
		}
	}
}

// overrides reports whether an override is for that column, as Grafana matches them.
func (p grafanaPanel) overrides(i int, column string) bool {
	m := p.FieldConfig.Overrides[i].Matcher
	if m.ID == "byName" {
		return m.Options == column
	}
	return regexp.MustCompile("^" + m.Options + "$").MatchString(column)
}

func (p grafanaPanel) unitOf(column string) string {
	unit := p.FieldConfig.Defaults.Unit
	for i, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID == "unit" && p.overrides(i, column) {
				unit, _ = property.Value.(string)
			}
		}
	}
	return unit
}

// unitsOf is which units fit a column. A number by itself says that it has none.
func (p grafanaPanel) unitsOf(column string) []string {
	switch {
	case strings.HasSuffix(column, "_seconds"):
		return []string{"s"}
	case strings.HasSuffix(column, "_share"), strings.HasSuffix(column, "_ratio"):
		return []string{"percentunit"}
	case p.Type == "table":
		return []string{"", "none"}
	}
	return []string{"none"}
}

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var grafanaSourceOfAll = grafanaSource{Type: "grafana-postgresql-datasource", UID: "provflow"}

// Panels have titles and ids of their own, lie beside each other and not over each other,
// and they, their queries and the variables read the data source that is provisioned.
func TestGrafanaPanels(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	if d.SchemaVersion < 39 {
		t.Errorf("schema version %d", d.SchemaVersion)
	}
	taken, ids, titles := map[[2]int]string{}, map[int]bool{}, map[string]bool{}
	for _, p := range d.Panels {
		if p.ID < 1 || ids[p.ID] || p.Title == "" || titles[p.Title] {
			t.Errorf("%q: id %d is not its own, or the title", p.Title, p.ID)
		}
		ids[p.ID], titles[p.Title] = true, true
		checkTargets(t, p)
		g := p.GridPos
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%s is at %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s at %d, %d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// checkTargets wants queries that are sent as they are written, each with a name of its own;
// a row has none.
func checkTargets(t *testing.T, p grafanaPanel) {
	t.Helper()
	if p.Type == "row" {
		if len(p.Targets) > 0 {
			t.Errorf("row %s has queries", p.Title)
		}
		return
	}
	if p.Datasource != grafanaSourceOfAll || len(p.Targets) == 0 {
		t.Errorf("%s has %d queries of %+v", p.Title, len(p.Targets), p.Datasource)
	}
	names := map[string]bool{}
	for _, q := range p.Targets {
		if q.RefID == "" || names[q.RefID] || q.Datasource != grafanaSourceOfAll || !q.RawQuery || q.EditorMode != "code" ||
			q.Format != "table" && q.Format != "time_series" || (q.Format == "time_series") != (p.Type == "timeseries") {
			t.Errorf("%s: %+v", p.Title, q)
		}
		names[q.RefID] = true
	}
}

var (
	grafanaUse = regexp.MustCompile(`\$\{?(\w+)`)
	// What Grafana itself fills in: in a query its macros, in a link more.
	grafanaOwn = regexp.MustCompile(`^__(timeFilter|timeFrom|timeTo|url_time_range|value)$`)
)

// Every variable that something uses is defined. In SQL it is written as a string that is
// quoted. It stands where one flow is asked for: it has one value, and not all of them.
func TestGrafanaVariables(t *testing.T) {
	t.Parallel()
	d, defined := readDashboard(t), map[string]bool{}
	for _, v := range d.Templating.List {
		defined[v.Name] = true
		if v.Type != "query" || v.Datasource != grafanaSourceOfAll || v.Multi || v.IncludeAll {
			t.Errorf("variable %+v", v)
		}
	}
	text, err := os.ReadFile(grafanaFolder + "dashboards/provflow.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range grafanaUse.FindAllStringSubmatch(string(text), -1) {
		if !defined[use[1]] && !grafanaOwn.MatchString(use[1]) {
			t.Errorf("$%s is not defined", use[1])
		}
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			for _, use := range grafanaUse.FindAllStringSubmatch(q.RawSQL, -1) {
				if defined[use[1]] && strings.Count(q.RawSQL, use[0]) != strings.Count(q.RawSQL, "${"+use[1]+":sqlstring}") {
					t.Errorf("%s uses $%s unquoted", p.Title, use[1])
				}
			}
		}
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(grafanaFolder + path)
	if err == nil {
		err = yaml.UnmarshalStrict(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// What is provisioned is where the README mounts it, and asks for the variables it gives.
func TestGrafanaProvisioning(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(grafanaFolder + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources struct {
		APIVersion  int
		Datasources []struct {
			Name, UID, Type, URL, User string
			SecureJSONData, JSONData   map[string]any
			Editable                   bool
		}
	}
	readYAML(t, "provisioning/datasources/provflow.yaml", &sources)
	if s := sources.Datasources; sources.APIVersion != 1 || len(s) != 1 || s[0].UID != grafanaSourceOfAll.UID || s[0].Type != grafanaSourceOfAll.Type {
		t.Errorf("data sources %+v", s)
	} else {
		for _, value := range []any{s[0].URL, s[0].User, s[0].SecureJSONData["password"], s[0].JSONData["database"], s[0].JSONData["sslmode"]} {
			name, variable := strings.CutPrefix(value.(string), "$")
			if !variable || !strings.Contains(string(readme), " -e "+name) {
				t.Errorf("%s is not among the variables that are given", value)
			}
		}
	}
	var dashboards struct {
		APIVersion int
		Providers  []struct {
			Name, Folder, Type              string
			DisableDeletion, AllowUIUpdates bool
			Options                         struct{ Path string }
		}
	}
	readYAML(t, "provisioning/dashboards/provflow.yaml", &dashboards)
	p := dashboards.Providers
	if dashboards.APIVersion != 1 || len(p) != 1 || p[0].Type != "file" || !strings.Contains(string(readme), `-v "$PWD/dashboards:`+p[0].Options.Path+`"`) ||
		!strings.Contains(string(readme), `-v "$PWD/provisioning:/etc/grafana/provisioning"`) {
		t.Errorf("providers %+v", p)
	}
}

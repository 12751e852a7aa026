package api

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// The checked-in description is what the handlers' types give.
func TestSpecIsCurrent(t *testing.T) {
	t.Parallel()
	got, err := builtSpec()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil || string(want) != string(got)+"\n" {
		t.Errorf("openapi.json is not current (%v): run `make generate`", err)
	}
}

// What is served is described, and what is described is served.
func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	var described, served []string
	for _, op := range operations() {
		described = append(described, op.method+" "+op.path)
	}
	routes, ok := New(Services{}).(chi.Routes)
	if !ok {
		t.Fatal("the handler does not list its routes")
	}
	err := chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, "/sovereign") && !strings.HasPrefix(route, "/docs") && route != "/openapi.json" {
			served = append(served, method+" "+route)
		}
		return nil
	})
	slices.Sort(described)
	slices.Sort(served)
	if err != nil || !slices.Equal(described, served) {
		t.Errorf("described %q\nserved    %q (%v)", described, served, err)
	}
}

// A generated client names its calls by these ids.
func TestOperationsHaveIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	calls := map[string]string{}
	for _, op := range operations() {
		call := op.method + " " + op.path
		if other, taken := calls[op.id]; taken || op.id == "" {
			t.Errorf("%s has the id %q; so has %q", call, op.id, other)
		}
		calls[op.id] = call
	}
	spec, err := builtSpec()
	if err != nil {
		t.Fatal(err)
	}
	for id, call := range calls {
		if !strings.Contains(string(spec), `"operationId": "`+id+`"`) {
			t.Errorf("the description does not tell the id %q of %s", id, call)
		}
	}
}

func TestSpecIsOpenAPI31(t *testing.T) {
	t.Parallel()
	raw, err := builtSpec()
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		OpenAPI    string
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(raw, &spec); err != nil || !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Errorf("%q %v", spec.OpenAPI, err)
	}
	if len(spec.Components.Schemas) < 10 || spec.Paths["/api/v1/flows/{id}/stream"]["get"] == nil {
		t.Errorf("%d schemas, paths %v", len(spec.Components.Schemas), spec.Paths)
	}
}

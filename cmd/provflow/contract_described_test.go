package main

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/openova-io/provflow/api"
)

// description is what the server says of its API, so that every exchange can be held against it.
type description struct {
	paths map[string]map[string]struct {
		RequestBody struct{ Content map[string]any }
		Responses   map[string]struct{ Content, Headers map[string]any }
	}

	mu       sync.Mutex
	compiler *jsonschema.Compiler // remembers what it has compiled
}

const describedAt = "openapi.json"

var described = sync.OnceValue(func() *description {
	raw, err := api.Spec()
	if err != nil {
		panic(err)
	}
	d := &description{compiler: jsonschema.NewCompiler()}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = d.compiler.AddResource(describedAt, whole)
	}
	var form struct{ Paths *json.RawMessage }
	if err == nil {
		err = json.Unmarshal(raw, &form)
	}
	if err == nil {
		err = json.Unmarshal(*form.Paths, &d.paths)
	}
	if err != nil {
		panic(err)
	}
	return d
})

// wantDescribed holds an exchange against the description: the call, the answer's status, media
// type, headers and body, and a body that was taken. What is not served is not described.
func (c *exchange) wantDescribed(method, path, body string, header []string, a answer) {
	c.t.Helper()
	d, route := described(), described().route(path)
	op, ok := d.paths[route][strings.ToLower(method)]
	if !ok || c.other != nil { // an upstream's answer is passed on as it is
		return
	}
	status := strconv.Itoa(a.status)
	content, ok := op.Responses[status]
	media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if _, known := content.Content[media]; !ok || !known && media != "" {
		c.t.Errorf("%s %s: %s of type %q is not described", method, route, status, media)
	} else if media == "application/json" {
		c.wantForm(a.body, "paths", route, strings.ToLower(method), "responses", status, "content", media, "schema")
	}
	for _, name := range []string{"ETag", "Link", "Location", "Retry-After", "Set-Cookie", "WWW-Authenticate"} {
		if _, known := content.Headers[name]; !known && a.header.Get(name) != "" {
			c.t.Errorf("%s %s: the header %s of a %s is not described", method, route, name, status)
		}
	}
	if a.status == http.StatusOK && !strings.HasSuffix(route, "/flows/{id}/events") { // which takes less than whole nodes
		c.wantTaken(op.RequestBody.Content, body, header, "paths", route, strings.ToLower(method), "requestBody", "content")
	}
}

// wantTaken holds a body that was taken against its form, or each line of it.
func (c *exchange) wantTaken(content map[string]any, body string, header []string, place ...string) {
	c.t.Helper()
	media, lines := "application/json", []string{body}
	if _, json := content[media]; !json || slices.Contains(header, "application/x-ndjson") {
		media, lines = "application/x-ndjson", strings.Split(body, "\n")
	}
	for _, line := range lines {
		if _, known := content[media]; known && line != "" {
			c.wantForm(line, append(place, media, "schema")...)
		}
	}
}

// wantForm holds JSON against the form at that place of the description.
func (c *exchange) wantForm(text string, place ...string) {
	c.t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = described().form(place).Validate(v)
	}
	if err != nil {
		c.t.Errorf("not as described: %v\n%s", err, text)
	}
}

func (d *description) form(place []string) *jsonschema.Schema {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := describedAt + "#"
	for _, p := range place {
		at += "/" + strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1")
	}
	s, err := d.compiler.Compile(at)
	if err != nil {
		panic(err)
	}
	return s
}

// route is the described path that a request's is one of; "" for none.
func (d *description) route(path string) string {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "/sovereign"), "?")
	given := strings.Split(path, "/")
	for route := range d.paths {
		parts := strings.Split(route, "/")
		if slices.EqualFunc(parts, given, func(part, g string) bool { return part == g || strings.HasPrefix(part, "{") }) {
			return route
		}
	}
	return ""
}

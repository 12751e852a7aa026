package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5/static"
	"github.com/swaggest/swgui/v5emb"
)

// operation is one call as the description of the API shows it.
type operation struct {
	id           string // its name in a generated client
	method, path string
	tag, summary string
	about        string
	parameters   any // by struct tags; nil for none
	body         content
	answers      []presented
}

// content is a request's body: its form (nil for none) and its media type where that is not JSON.
// Where NDJSON is taken as well, lines names the form of a line, which is described elsewhere.
type content struct {
	form  any
	media string
	lines string
}

// presented is one answer: its status, its form, and its content type where that is not JSON.
type presented struct {
	status int
	form   any
	media  string
	about  string
}

// Spec builds the OpenAPI 3.1 description of everything that is served, from the types
// the handlers use.
func Spec() ([]byte, error) {
	r := openapi31.NewReflector()
	r.DefaultOptions = append(r.DefaultOptions, formOptions()...)
	r.Spec.Info.WithTitle("provflow").WithVersion("1").WithDescription(
		"Cluster provisions: live from their first second, kept in Postgres. All calls also work below /sovereign. " +
			"An id in a path may be percent-encoded; both spellings are the same id.")
	r.Spec.WithServers(openapi31.Server{URL: "."}) // where this is: behind a prefix the calls are, too
	r.Spec.SetHTTPBearerTokenSecurity(bearerSecurity, "", "A token of `provflow token create`, or of the issuer. Nothing is asked for while access is off.")
	r.Spec.SetAPIKeySecurity(cookieSecurity, httpCookie, openapi.InCookie, "A browser's session, from POST /api/v1/session; over HTTPS it is called "+httpsCookie+".")
	for _, op := range operations() {
		if err := op.describe(r); err != nil {
			return nil, fmt.Errorf("describing %s %s: %w", op.method, op.path, err)
		}
	}
	return json.MarshalIndent(r.Spec, "", "  ")
}

func (op operation) describe(r *openapi31.Reflector) error {
	c, err := r.NewOperationContext(op.method, op.path)
	if err != nil {
		return err
	}
	c.SetID(op.id)
	c.SetTags(op.tag)
	c.SetSummary(op.summary)
	c.SetDescription(op.about)
	for _, s := range op.security() {
		c.AddSecurity(s)
	}
	if op.parameters != nil {
		c.AddReqStructure(op.parameters)
	}
	if op.body.form != nil {
		c.AddReqStructure(op.body.form)
	}
	for _, a := range append(op.answers, op.refusals()...) {
		options := []openapi.ContentOption{openapi.WithHTTPStatus(a.status)}
		if a.media != "" {
			options = append(options, openapi.WithContentType(a.media))
		}
		if a.about != "" {
			options = append(options, func(u *openapi.ContentUnit) { u.Description = a.about })
		}
		c.AddRespStructure(a.form, options...)
		if headers := op.headers(a.status); headers != nil { // after the form, which has none: the last one's count
			c.AddRespStructure(headers, openapi.WithHTTPStatus(a.status))
		}
	}
	if err := r.AddOperation(c); err != nil {
		return err
	}
	return op.nameMedia(r)
}

// nameMedia gives a body its media types: the library knows forms for JSON only.
func (op operation) nameMedia(r *openapi31.Reflector) error {
	if op.body.media == "" && op.body.lines == "" {
		return nil
	}
	item := r.Spec.Paths.MapOfPathItemValues[op.path]
	described, err := item.Operation(op.method)
	if err != nil {
		return err
	}
	media := described.RequestBody.RequestBody.Content
	if op.body.lines != "" {
		media[ndjsonMedia] = openapi31.MediaType{Schema: map[string]any{"$ref": "#/components/schemas/" + op.body.lines}}
		return nil
	}
	media[op.body.media] = media["application/json"]
	delete(media, "application/json")
	return nil
}

// docsRoutes serves the description as a page that needs nothing from elsewhere. All it
// refers to is relative, so that it is found wherever a proxy has the page begin.
func docsRoutes(r chi.Router, prefix string) {
	page := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "provflow", SwaggerJSON: "../openapi.json", BasePath: "docs", InternalBasePath: prefix + "/docs",
	})
	r.Method(http.MethodGet, "/docs", page)
	files, _ := static.FS.ReadDir(".") // the folder is part of the program
	for _, f := range files {
		r.Method(http.MethodGet, "/docs/"+strings.TrimSuffix(f.Name(), ".gz"), page)
	}
	r.Get("/docs/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "../docs") // there its references are right
		w.WriteHeader(http.StatusMovedPermanently)
	})
}

var builtSpec = sync.OnceValues(Spec)

// openapi answers with the description of the API.
func (h *server) openapi(w http.ResponseWriter, r *http.Request) {
	spec, err := builtSpec()
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeBytes(w, http.StatusOK, spec)
}

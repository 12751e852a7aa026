package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/openova-io/provflow/api/reqlog"
	"github.com/openova-io/provflow/api/sse"
	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// Store is what the handlers read beside the live side. Its errors carry flow codes.
type Store interface {
	// Part reads a piece of a flow as of one moment.
	Part(ctx context.Context, flowID string, part flow.Part) (flow.Delta, error)
	// Answer gives what the first request with that key was told; nil when there was none.
	Answer(ctx context.Context, flowID string, key flow.Fingerprint) ([]byte, error)
	// KeepAnswer remembers it; the first answer stays.
	KeepAnswer(ctx context.Context, flowID string, key flow.Fingerprint, answer []byte) error
	// Jobs lists a deployment's jobs of those statuses (none given: all), latest start
	// first, not started last, then by name.
	Jobs(ctx context.Context, deploymentID string, statuses ...flow.Status) ([]flow.PlacedJob, error)
	// Job gives the job that a full id, an alias or a bare name means, and its attempts,
	// newest first.
	Job(ctx context.Context, deploymentID, ref string) (flow.PlacedJob, []flow.Execution, error)
	// LogPage gives up to limit lines of an execution from that number on.
	LogPage(ctx context.Context, executionID string, from int64, limit int) (flow.LogPage, error)
	// DeleteFlow removes a flow and its history, and reports whether there was one.
	DeleteFlow(ctx context.Context, flowID string) (bool, error)
}

// Services is what the handlers are given.
type Services struct {
	Store       Store
	Deployments DeploymentStore
	Archive     Archive
	Analytics   Analytics
	Recorder    *record.Recorder
	Hub         *feed.Hub
	Tails       *feed.Tails
	Upstream    *upstream.Client // nil: flows that are not here are nowhere
	Access      Access
	Announce    func(flowID string) // a flow was changed by other means than the recorder
	Ready       func(ctx context.Context) error
	Now         func() time.Time
	Logger      *slog.Logger

	Streams *sse.Streams                    // nil: nobody asks about them, and nobody ends them
	Trace   func(http.Handler) http.Handler // middleware that traces; nil: none
	Done    func(reqlog.Request)            // is told of every request that has ended; nil: nobody is
}

// probes are asked all the time by machines.
var probes = []string{"/healthz", "/readyz", "/sovereign/healthz", "/sovereign/readyz"}

type server struct {
	Services
	gate *gate
}

// New gives the handler of everything provflow serves.
func New(s Services) http.Handler {
	if s.Streams == nil {
		s.Streams = sse.NewStreams()
	}
	h := &server{s, newGate(s.Access, s.Now)}
	r := chi.NewRouter()
	r.Use(reqlog.New(reqlog.Options{Logger: s.Logger, Done: s.Done, Quiet: probes, Now: s.Now}))
	if s.Trace != nil {
		r.Use(s.Trace)
	}
	r.Use(noDeadline, rawPath, h.origins, middleware.GetHead)
	r.NotFound(h.noSuchPath)
	r.MethodNotAllowed(h.methodNotAllowed(r))
	docsRoutes(r, "")
	h.routes(r)
	r.Route("/sovereign", func(r chi.Router) { // the console's ingress may leave its prefix on
		docsRoutes(r, "/sovereign")
		h.routes(r)
	})
	return r
}

func (h *server) noSuchPath(w http.ResponseWriter, r *http.Request) {
	h.fail(w, r, flow.NotFoundf("no-such-path", "there is nothing at %s; see docs/contract.md", r.URL.Path))
}

// methodNotAllowed says which methods there are instead. It is also asked of a method that
// nobody knows, wherever that was sent.
func (h *server) methodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var there []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			if routes.Match(chi.NewRouteContext(), m, r.URL.RawPath) {
				there = append(there, m)
			}
		}
		if len(there) == 0 {
			h.noSuchPath(w, r)
			return
		}
		allowed := strings.Join(there, ", ")
		w.Header().Set("Allow", allowed)
		writeJSON(w, http.StatusMethodNotAllowed, errorAnswer{Error: "method-not-allowed", Detail: r.Method + " is not allowed here; use " + allowed})
	}
}

func (h *server) routes(r chi.Router) {
	r.Get("/healthz", h.healthz)
	r.Get("/readyz", h.readyz)
	r.Get("/openapi.json", h.openapi)
	r = r.With(h.guard) // what is above is open to all
	for _, base := range []string{"/api/v1/flows/{id}", "/v1/flows/{id}"} {
		r.Get(base+"/snapshot", h.snapshot)
		r.With(h.Streams.Handler).Get(base+"/stream", h.stream)
		r.Post(base+"/events", h.flowEvents)
		r.Delete(base, h.deleteFlow)
	}
	h.deploymentRoutes(r)
	r.Post("/api/v1/deployments/{id}/provisioner-events", h.provisionerEvents)
	h.jobRoutes(r)
	h.archiveRoutes(r)
	h.analyticsRoutes(r)
	h.sessionRoutes(r)
}

// rawPath makes chi route by the path as it was sent, so that an id with an escaped
// slash stays one piece and every id is unescaped exactly once.
func rawPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawPath = r.URL.EscapedPath()
		next.ServeHTTP(w, r)
	})
}

// pathID gives the unescaped id in the path: `%3A` and `:` are the same id.
func pathID(r *http.Request) (string, error) {
	raw := chi.URLParam(r, "id")
	id, err := url.PathUnescape(raw)
	if err != nil {
		return "", flow.Invalidf("invalid-id", "the id in the path is not well escaped: %v", err)
	}
	return id, flow.CheckID("the id in the path", id)
}

func deploymentID(r *http.Request) (string, error) {
	id, err := pathID(r)
	if err != nil {
		return "", err
	}
	return id, flow.CheckDeploymentID(id)
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
	"github.com/openova-io/provflow/service/timeline/form"
)

// Analytics answers what provisions spent their time on. Of a flow that is not known, live or
// from what is kept of it, it gives flow.NotFound.
type Analytics interface {
	Timeline(ctx context.Context, flowID string) (timeline.Timeline, error)
	CriticalPath(ctx context.Context, flowID string) (timeline.Path, error)
	Diagnosis(ctx context.Context, flowID string) (timeline.Diagnosis, error)
	Estimate(ctx context.Context, flowID string) (timeline.Estimate, error)
	Compare(ctx context.Context, a, b string) (timeline.Comparison, error)
	// At gives a flow as it was at a moment, with nothing in it where it was not there yet.
	At(ctx context.Context, flowID string, moment time.Time) (timeline.Moment, error)
	// Provisions gives at most Limit of them, latest start first.
	Provisions(ctx context.Context, q timeline.ProvisionQuery) ([]timeline.Provision, error)
	// ComponentStats gives at most Limit of them, by name.
	ComponentStats(ctx context.Context, q timeline.ComponentQuery) ([]timeline.ComponentStats, error)
}

const (
	analyticsPage    = 100
	maxAnalyticsPage = 1000
)

func (h *server) analyticsRoutes(r chi.Router) {
	const flows = "/api/v1/flows/{id}"
	r.Get(flows+"/timeline", h.timeline)
	r.Get(flows+"/timeline.svg", h.timelineSVG)
	r.Get(flows+"/critical-path", h.criticalPath)
	r.Get(flows+"/diagnosis", h.diagnosis)
	r.Get(flows+"/estimate", h.estimate)
	r.Get("/api/v1/analytics/provisions", h.provisions)
	r.Get("/api/v1/analytics/components", h.components)
	r.Get("/api/v1/analytics/compare", h.compare)
}

// provisions gives a page of the provisions that began in a window, of those the caller sees.
func (h *server) provisions(w http.ResponseWriter, r *http.Request) {
	q := timeline.ProvisionQuery{Prefix: prefixOf(r)}
	window, limit, err := h.page(r)
	if err == nil {
		q.Outcome, err = outcomeOf(r)
	}
	if err == nil {
		q.After, err = parseProvisionPlace(r.URL.Query().Get("after"))
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	q.Window, q.Limit = window, limit+1 // one more says whether there is more
	list, err := h.Analytics.Provisions(r.Context(), q)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	list, next := cut(list, limit, func(p timeline.Provision) string { return formatProvisionPlace(p.Place()) })
	page := form.FromProvisions(window, list, next)
	h.show(w, r, page, sheet{"provisions", page.Provisions, next})
}

// components gives a page of what components took in a window, over the provisions the caller sees.
func (h *server) components(w http.ResponseWriter, r *http.Request) {
	q := timeline.ComponentQuery{Prefix: prefixOf(r), Region: r.URL.Query().Get("region")}
	window, limit, err := h.page(r)
	if err == nil {
		err = flow.CheckRegion(q.Region)
	}
	if err == nil {
		q.After, err = parseAfter(r.URL.Query().Get("after"))
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	q.Window, q.Limit = window, limit+1 // one more says whether there is more
	list, err := h.Analytics.ComponentStats(r.Context(), q)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	list, next := cut(list, limit, func(c timeline.ComponentStats) string { return formatAfter(c.Component) })
	page := form.FromComponents(window, list, next)
	h.show(w, r, page, sheet{"components", page.Components, next})
}

// compare says how one flow differs from another, where the caller sees both.
func (h *server) compare(w http.ResponseWriter, r *http.Request) {
	a, b := r.URL.Query().Get("a"), r.URL.Query().Get("b")
	for name, id := range map[string]string{"a": a, "b": b} {
		if err := flow.CheckID(name, id); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	for _, id := range []string{a, b} {
		if !access.Sees(r.Context(), id) {
			h.fail(w, r, noHistory(id))
			return
		}
	}
	c, err := h.Analytics.Compare(r.Context(), a, b)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := form.FromComparison(c)
	h.show(w, r, answer, sheet{name: "comparison", rows: answer.Jobs})
}

func prefixOf(r *http.Request) string {
	p, _ := access.From(r.Context())
	return p.Prefix
}

// noHistory is said of a flow of which there is nothing to tell, and of one that is not
// the caller's.
func noHistory(id string) error {
	return flow.NotFoundf("flow-not-found", "there is no flow %q", id)
}

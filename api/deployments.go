package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

const slugDeployment = "invalid-deployment"

const (
	// maxDeployment is the largest body of a PUT: meta, and room for the rest.
	maxDeployment = 2 * flow.MaxMeta
	// deploymentPage and maxDeploymentPage are how many are listed at once.
	deploymentPage    = 50
	maxDeploymentPage = 500
)

// DeploymentStore keeps deployments' records. Its errors carry flow codes.
type DeploymentStore interface {
	// DeploymentRecord gives one; flow.NotFound when there is none.
	DeploymentRecord(ctx context.Context, id string) (flow.DeploymentRecord, error)
	// DeploymentRecords gives at most limit of those whose ids begin with prefix, newest
	// first, after a place in that order.
	DeploymentRecords(ctx context.Context, prefix string, after flow.DeploymentPlace, limit int) ([]flow.DeploymentRecord, error)
	// PutDeployment makes or changes one; it makes no flow.
	PutDeployment(ctx context.Context, id string, c flow.DeploymentChange) (flow.DeploymentRecord, error)
	// DeleteDeployment removes the record, the flow and its history.
	DeleteDeployment(ctx context.Context, id string) error
}

// deploymentBody is what a PUT says. What is absent, or null, stays as it is.
type deploymentBody struct {
	ID            *string          `json:"id,omitempty" nullable:"true"` // may be said again, as in an answer
	SovereignFQDN *string          `json:"sovereignFQDN,omitempty" nullable:"true"`
	Provider      *string          `json:"provider,omitempty" nullable:"true"`
	Regions       []string         `json:"regions,omitempty" nullable:"true"`
	Meta          *json.RawMessage `json:"meta,omitempty"`
}

// deploymentAnswer is a deployment as it travels. Times are RFC 3339 in UTC.
type deploymentAnswer struct {
	ID            string          `json:"id"`
	SovereignFQDN string          `json:"sovereignFQDN,omitempty"`
	Provider      string          `json:"provider,omitempty"`
	Regions       []string        `json:"regions"` // the first is the primary one
	Meta          json.RawMessage `json:"meta,omitempty"`
	Status        flow.Status     `json:"status" enum:"pending,running,succeeded,failed"` // of its flow
	CreatedAt     time.Time       `json:"createdAt"`
	UpdatedAt     time.Time       `json:"updatedAt"`
}

// deploymentsAnswer is a page of them; Next is left out on the last.
type deploymentsAnswer struct {
	Deployments []deploymentAnswer `json:"deployments"`
	Next        string             `json:"next,omitempty"`
}

func (h *server) deploymentRoutes(r chi.Router) {
	const one = "/api/v1/deployments/{id}"
	r.Get("/api/v1/deployments", h.listDeployments)
	r.Get(one, h.getDeployment)
	r.Put(one, h.putDeployment)
	r.Delete(one, h.deleteDeployment)
}

func (h *server) getDeployment(w http.ResponseWriter, r *http.Request) {
	id, err := deploymentID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	d, err := h.Deployments.DeploymentRecord(r.Context(), id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, presentDeployment(d))
}

// putDeployment makes or changes a deployment's record.
func (h *server) putDeployment(w http.ResponseWriter, r *http.Request) {
	id, err := deploymentID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	body, err := readBody(w, r, maxDeployment)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	change, err := deploymentChange(id, body)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	// Not the request's own context: a client that goes away must not part the record
	// from the names that follow from it.
	d, err := h.changeDeployment(context.WithoutCancel(r.Context()), id, change)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, presentDeployment(d))
}

// changeDeployment records the change and, where there is a flow, has it take the names
// that follow. That is done even where nothing is new, so that a PUT that failed between
// the two is made whole when it is sent again.
func (h *server) changeDeployment(ctx context.Context, id string, c flow.DeploymentChange) (flow.DeploymentRecord, error) {
	d, err := h.Deployments.PutDeployment(ctx, id, c)
	if err != nil || !d.HasFlow {
		return d, err
	}
	var key flow.Fingerprint // of this PUT alone: it is harmless to repeat
	_, _ = rand.Read(key[:]) // never fails, by its documentation
	_, err = h.Recorder.Record(ctx, id, []record.Item{{Observation: bridge.DeploymentChanged{}, Key: key}})
	return d, err
}

// deploymentChange reads the body of a PUT.
func deploymentChange(id string, body []byte) (flow.DeploymentChange, error) {
	var b *deploymentBody
	if err := json.Unmarshal(body, &b); err != nil {
		return flow.DeploymentChange{}, flow.JSONError(slugDeployment, err)
	}
	switch {
	case b == nil:
		return flow.DeploymentChange{}, flow.Invalidf(slugDeployment, "not a JSON object but null; send {} to say nothing")
	case b.ID != nil && *b.ID != id:
		return flow.DeploymentChange{}, flow.Invalidf("id-contradicts-path", "field \"id\" is %.80q and the path says %.80q", *b.ID, id)
	}
	c := flow.DeploymentChange{SovereignFQDN: b.SovereignFQDN, Provider: b.Provider, Regions: b.Regions}
	if b.Meta != nil {
		c.Meta = *b.Meta
	}
	return c, c.Check()
}

// deleteDeployment removes a deployment's record, its flow and its history; the flow's
// open streams end.
func (h *server) deleteDeployment(w http.ResponseWriter, r *http.Request) {
	id, err := deploymentID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if err := h.Deployments.DeleteDeployment(r.Context(), id); err != nil {
		h.fail(w, r, err)
		return
	}
	h.Announce(id)
	w.WriteHeader(http.StatusNoContent)
}

// listDeployments gives a page of the deployments that the caller sees, newest first.
func (h *server) listDeployments(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := pageLimit(q.Get("limit"), deploymentPage, maxDeploymentPage)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	after, err := parsePlace(q.Get("after"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	records, err := h.Deployments.DeploymentRecords(r.Context(), prefixOf(r), after, limit+1) // one more says whether there is more
	if err != nil {
		h.fail(w, r, err)
		return
	}
	records, next := cut(records, limit, func(d flow.DeploymentRecord) string { return formatPlace(d.Place()) })
	page := deploymentsAnswer{Deployments: []deploymentAnswer{}, Next: next}
	for _, d := range records {
		page.Deployments = append(page.Deployments, presentDeployment(d))
	}
	writeJSON(w, http.StatusOK, page)
}

func presentDeployment(d flow.DeploymentRecord) deploymentAnswer {
	return deploymentAnswer{
		ID: d.ID, SovereignFQDN: d.SovereignFQDN, Provider: d.Provider, Regions: append([]string{}, d.Regions...),
		Meta: d.Meta, Status: d.Status, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}

func formatPlace(p flow.DeploymentPlace) string {
	return formatAfter(strconv.FormatInt(p.CreatedAt.UnixMicro(), 36) + "." + p.ID)
}

func parsePlace(s string) (flow.DeploymentPlace, error) {
	text, err := parseAfter(s)
	if err != nil || text == "" {
		return flow.DeploymentPlace{}, err
	}
	at, id, _ := strings.Cut(text, ".")
	micros, err := strconv.ParseInt(at, 36, 64)
	if err != nil || flow.CheckDeploymentID(id) != nil || !inReach(micros) {
		return flow.DeploymentPlace{}, errAfter
	}
	return flow.DeploymentPlace{CreatedAt: time.UnixMicro(micros), ID: id}, nil
}

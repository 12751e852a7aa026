package api

import (
	"math"
	"net/http"
	"strings"

	"github.com/openova-io/provflow/service/access"
	"github.com/openova-io/provflow/service/flow"
)

// rule is what a route asks of its caller.
type rule struct {
	scope  access.Scope // "": any principal
	target target
	kind   kind
	open   bool // nobody need be known
}

// target is what the prefix of a principal is held against.
type target int

const (
	everything  target = iota // only for who sees all
	theCaller                 // the route is about the caller alone
	inHandler                 // the handler checks each id it lists or reads
	aFlow                     // the id in the path, for those below
	aDeployment               //
	anyFlow                   // deployment or flow
	aJob                      //
	anExecution               // whose flow must be looked up
	aHistory                  // a flow, of which something must be known here
)

// kind is how a request goes on in time.
type kind int

const (
	brief    kind = iota
	live          // events go out until somebody has enough
	inflow        // events come in as they happen
	transfer      // much goes in or out, as fast as it can
)

// lasts reports a request that may outlive its principal.
func (k kind) lasts() bool { return k != brief }

// rules is the one table from route to what it asks. What is not in it asks for
// everything, and a test sees to it that all routes are.
var rules = map[string]rule{
	"GET /api/v1/flows/{id}/snapshot": {access.Read, aFlow, brief, false},
	"GET /api/v1/flows/{id}/stream":   {access.Read, aFlow, live, false},
	"POST /api/v1/flows/{id}/events":  {access.Ingest, aFlow, brief, false},
	"DELETE /api/v1/flows/{id}":       {access.Admin, aFlow, brief, false},

	"GET /v1/flows/{id}/snapshot": {access.Read, aFlow, brief, false},
	"GET /v1/flows/{id}/stream":   {access.Read, aFlow, live, false},
	"POST /v1/flows/{id}/events":  {access.Ingest, aFlow, brief, false},
	"DELETE /v1/flows/{id}":       {access.Admin, aFlow, brief, false},

	"GET /api/v1/deployments":                          {access.Read, inHandler, brief, false},
	"GET /api/v1/deployments/{id}":                     {access.Read, aDeployment, brief, false},
	"PUT /api/v1/deployments/{id}":                     {access.Admin, aDeployment, brief, false},
	"DELETE /api/v1/deployments/{id}":                  {access.Admin, aDeployment, brief, false},
	"GET /api/v1/deployments/{id}/export":              {access.Admin, anyFlow, transfer, false},
	"GET /api/v1/deployments/{id}/jobs":                {access.Read, anyFlow, brief, false},
	"GET /api/v1/deployments/{id}/jobs/{jobId}":        {access.Read, aJob, brief, false},
	"POST /api/v1/deployments/{id}/provisioner-events": {access.Ingest, aDeployment, inflow, false},
	"POST /api/v1/internal/jobs/import":                {access.Ingest, inHandler, transfer, false},
	"GET /api/v1/actions/executions/{id}/logs":         {access.Logs, anExecution, brief, false},
	"GET /api/v1/actions/executions/{id}/logs/stream":  {access.Logs, anExecution, live, false},

	"GET /api/v1/flows/{id}/timeline":      {access.Read, aHistory, brief, false},
	"GET /api/v1/flows/{id}/timeline.svg":  {access.Read, aHistory, brief, false},
	"GET /api/v1/flows/{id}/critical-path": {access.Read, aHistory, brief, false},
	"GET /api/v1/flows/{id}/diagnosis":     {access.Read, aHistory, brief, false},
	"GET /api/v1/flows/{id}/estimate":      {access.Read, aHistory, brief, false},
	"GET /api/v1/analytics/provisions":     {access.Read, inHandler, brief, false},
	"GET /api/v1/analytics/components":     {access.Read, inHandler, brief, false},
	"GET /api/v1/analytics/compare":        {access.Read, inHandler, brief, false},

	"POST /api/v1/session":      {"", theCaller, brief, false},
	"POST /api/v1/session/code": {"", theCaller, brief, false},
	"GET /api/v1/session":       {"", theCaller, brief, true}, // the code is its credential
	"DELETE /api/v1/session":    {"", theCaller, brief, true}, // ends what it is shown and tells nothing
}

// routeOf names a request's route as the table does.
func routeOf(method, pattern string) string {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return method + " " + strings.TrimPrefix(pattern, "/sovereign")
}

func ruleOf(route string) rule {
	if known, ok := rules[route]; ok {
		return known
	}
	return rule{scope: access.Admin}
}

// visible gives NotFound where what is asked for is not the principal's to see, in the
// words of the handler that does not find it. An id that is none is said to be so.
func (h *server) visible(r *http.Request, t target, p access.Principal) error {
	if p.Prefix == "" || t == theCaller || t == inHandler {
		return nil
	}
	if t == everything {
		return forbidden("forbidden", "this is for who sees all deployments; %q sees those that begin with %q", p.Name, p.Prefix)
	}
	id, err := pathID(r)
	if t == aDeployment {
		id, err = deploymentID(r)
	}
	if err != nil {
		return err
	}
	if t == anExecution {
		return h.visibleExecution(r, id, p)
	}
	if p.Sees(id) {
		return nil
	}
	return hidden(r, t, id)
}

// hidden says of a flow or a deployment what is said of one that is not there.
func hidden(r *http.Request, t target, id string) error {
	switch t {
	case aFlow:
		switch q := r.URL.Query(); {
		case q.Get("at") != "":
			return noHistory(id)
		case q.Get("root")+q.Get("around") != "":
			return flow.NotFoundf("flow-not-found", "there is no flow %q, or nothing in it yet", id)
		}
		return flow.NotFoundf("flow-not-found", "there is no flow and no deployment %q", id)
	case aHistory:
		return noHistory(id)
	case anyFlow:
		return flow.NotFoundf("deployment-not-found", "there is no deployment and no flow %q", id)
	case aJob:
		ref, err := pathJob(r)
		if err != nil {
			return err
		}
		return flow.NotFoundf("job-not-found", "deployment %q has no job %q", id, ref)
	}
	return flow.NotFoundf("deployment-not-found", "there is no deployment %q", id)
}

// visibleExecution asks the store whose an execution is; its id is not taken apart.
func (h *server) visibleExecution(r *http.Request, id string, p access.Principal) error {
	page, err := h.Store.LogPage(r.Context(), id, math.MaxInt64, 1) // no line, only whose it is
	if err != nil {
		return err
	}
	return seenExecution(access.With(r.Context(), p), page.FlowID, id)
}

package api

import (
	"net/http"

	"github.com/swaggest/jsonschema-go"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// Parameters, as the description shows them.
type (
	idParam struct {
		ID string `path:"id" description:"Flow or deployment id, 1 to 512 characters; a deployment's is ^[a-z0-9][a-z0-9-]{0,62}$."`
	}
	keyParam struct {
		IdempotencyKey string `header:"Idempotency-Key" description:"The same key for the same flow has its effect once, however often it is sent, and gets the first answer again."`
	}
	partParams struct {
		idParam
		IfNoneMatch string `header:"If-None-Match" description:"The ETag of a snapshot you have."`
		Root        string `query:"root" minLength:"1" description:"Only this group and what it contains."`
		Around      string `query:"around" minLength:"1" description:"Only this job and what lies around it."`
		At          string `query:"at" minLength:"1" description:"As it was at this moment: RFC 3339, a day, or unix milliseconds. Not with root or around."`
		Direction   string `query:"direction" minLength:"1" enum:"upstream,downstream,both" description:"With around: what it waits for, what waits for it, or both."`
	}
	resumeParams struct {
		idParam
		LastEventID      string `header:"Last-Event-ID" description:"The id of the last frame you have: you get what changed since."`
		LastEventIDQuery string `query:"lastEventId" description:"The same, where a header cannot be set."`
	}
	followParams struct {
		resumeParams
		FromLine int `query:"fromLine" default:"1" description:"The first line, from 1, where there is no id of a last one."`
	}
	jobsParams struct {
		idParam
		Status []statusParam `query:"status" description:"Only jobs with this status, in any case; given more than once, with any of them."`
	}
	jobParams struct {
		idParam
		JobID string `path:"jobId" description:"Full or bare: d1:install-cilium or install-cilium."`
	}
	logParams struct {
		idParam
		FromLine int `query:"fromLine" default:"1" description:"The first line, from 1."`
		Limit    int `query:"limit" default:"500" maximum:"5000"`
	}
	listParams struct {
		Limit int    `query:"limit" default:"50" maximum:"500"`
		After string `query:"after" description:"The next of the page before."`
	}
	keyedParams struct {
		idParam
		keyParam
	}
	emitterParams struct {
		keyedParams
		Source string `header:"X-Flow-Source" description:"The emitter's name, where several share a credential, or access is off."`
	}
)

// statusParam is a status as a query names it.
type statusParam string

// Enum lists them.
func (statusParam) Enum() []any {
	return []any{flow.Pending, flow.Running, flow.Succeeded, flow.Failed}
}

// messageBody is a FlowMessage of any type.
type messageBody struct {
	Type string `json:"type"`
}

// JSONSchemaOneOf lists the envelopes, which are told apart by their type.
func (messageBody) JSONSchemaOneOf() []any {
	return []any{
		flow.SnapshotMessage{}, flow.FlowMessage{}, flow.NodesMessage{}, flow.RelsMessage{}, flow.DeleteNodesMessage{}, flow.DeleteRelsMessage{},
	}
}

var _ jsonschema.OneOfExposer = messageBody{}

const (
	ndjsonMedia = "application/x-ndjson"
	sseMedia    = "text/event-stream"

	streamAbout = "Server-sent events, each with the envelope of its name as data: `snapshot` first (or, with a cursor that is still known, exactly what changed since), " +
		"then `upsert-flow`, `upsert-nodes`, `upsert-rels`, `delete-nodes`, `delete-rels` as they commit. Every frame carries `id`, an opaque cursor; where one change needs " +
		"several frames only the last carries the new one. `heartbeat` (`{}`, no id) comes at most 15 s after the last frame; `availability` says that the database is away or back. " +
		"The envelopes are those of POST …/events."
	logStreamAbout = "Server-sent events: `line` with one line as data and its number as `id`, from the line after the last one you have, following the end; `end` when the execution is finished."
)

func operations() []operation {
	var all []operation
	all = append(all, flowOperations("/api/v1/flows/{id}", "")...)
	all = append(all, flowOperations("/v1/flows/{id}", "OfEmitters")...)
	all = append(all, deploymentOperations()...)
	all = append(all, jobOperations()...)
	all = append(all, analyticsOperations()...)
	all = append(all, sessionOperations()...)
	return append(all, serverOperations()...)
}

// flowOperations are those of both families of paths; the family tells their ids apart.
func flowOperations(base, family string) []operation {
	return []operation{
		{"getSnapshot" + family, http.MethodGet, base + "/snapshot", "flows", "The whole flow, or a part of it", "With at and Accept: text/csv a table of the flow, its groups and jobs.", partParams{}, content{},
			[]presented{{200, flow.SnapshotMessage{}, "", "ETag is the cursor."}, {200, "", csvMedia, ""}, {304, nil, "", "You have that state."}, bad(400), bad(404), bad(502), bad(503)}},
		{"followFlow" + family, http.MethodGet, base + "/stream", "flows", "The flow, live", streamAbout, resumeParams{}, content{},
			[]presented{{200, messageBody{}, sseMedia, "The data of each event but heartbeat and availability."}, bad(400), bad(404), bad(502), bad(503)}},
		{"postMessage" + family, http.MethodPost, base + "/events", "emitters", "One FlowMessage of an emitter", "200 once it is durable.", emitterParams{}, content{form: messageBody{}},
			[]presented{{200, seqAnswer{}, "", "The flow's version."}, bad(400), bad(413), bad(503)}},
		{"deleteFlow" + family, http.MethodDelete, base, "flows", "Delete a flow and its history", "Open streams end; the deployment's record stays.", idParam{}, content{},
			[]presented{{204, nil, "", "It is gone, or was not there."}, bad(400), bad(503)}},
	}
}

func deploymentOperations() []operation {
	const one = "/api/v1/deployments/{id}"
	return []operation{
		{"listDeployments", http.MethodGet, "/api/v1/deployments", "deployments", "Deployments, newest first", "", listParams{}, content{},
			[]presented{{200, deploymentsAnswer{}, "", ""}, bad(400), bad(503)}},
		{"getDeployment", http.MethodGet, one, "deployments", "One deployment", "", idParam{}, content{}, []presented{{200, deploymentAnswer{}, "", ""}, bad(400), bad(404), bad(503)}},
		{"putDeployment", http.MethodPut, one, "deployments", "Create or update a deployment's record", "What is absent stays. The first region is the primary one.", idParam{}, content{form: deploymentBody{}},
			[]presented{{200, deploymentAnswer{}, "", ""}, bad(400), bad(409), bad(413), bad(503)}},
		{"deleteDeployment", http.MethodDelete, one, "deployments", "Delete a deployment, its flow and its history", "", idParam{}, content{}, []presented{{204, nil, "", ""}, bad(400), bad(503)}},
		{"postProvisionerEvents", http.MethodPost, one + "/provisioner-events", "emitters", "Provisioner events, one a line",
			"Applied in order, also while the body is still being written. A malformed line is answered 400 with its number; the lines before it are kept.", keyedParams{}, content{form: bridge.EventWire{}, media: ndjsonMedia},
			[]presented{{200, ingestAnswer{}, "", "All are durable."}, bad(400), bad(503)}},
		{"exportDeployment", http.MethodGet, one + "/export", "moving", "Everything about a deployment, as an archive", "", idParam{}, content{},
			[]presented{{200, flow.ArchiveRecord{}, ndjsonMedia, "One record a line, the header first."}, bad(400), bad(404), bad(503)}},
		{"importJobs", http.MethodPost, "/api/v1/internal/jobs/import", "moving", "Import another store's index, or an archive",
			"As application/json the index of another store; as application/x-ndjson an archive. Sent again it changes nothing; a terminal job never goes back.", nil, content{form: bridge.LegacyIndex{}, lines: "FlowArchiveRecord"},
			[]presented{{200, importAnswer{}, "", ""}, bad(400), bad(404), bad(409), bad(413), bad(503)}},
	}
}

func jobOperations() []operation {
	const of = "/api/v1/deployments/{id}/jobs"
	const logs = "/api/v1/actions/executions/{id}/logs"
	return []operation{
		{"listJobs", http.MethodGet, of, "jobs", "Jobs", "By startedAt descending, not started last, then by name.", jobsParams{}, content{}, []presented{{200, jobsAnswer{}, "", ""}, bad(400), bad(404), bad(503)}},
		{"getJob", http.MethodGet, of + "/{jobId}", "jobs", "One job and its executions, newest first", "", jobParams{}, content{}, []presented{{200, jobAnswer{}, "", ""}, bad(400), bad(404), bad(503)}},
		{"getLog", http.MethodGet, logs, "jobs", "A page of an execution's log", "", logParams{}, content{}, []presented{{200, logAnswer{}, "", ""}, bad(400), bad(404), bad(503)}},
		{"followLog", http.MethodGet, logs + "/stream", "jobs", "An execution's log, live", logStreamAbout, followParams{}, content{}, []presented{{200, flow.LogLineWire{}, sseMedia, ""}, bad(400), bad(404), bad(503)}},
	}
}

func serverOperations() []operation {
	return []operation{
		{"getHealth", http.MethodGet, "/healthz", "server", "The process answers", "", nil, content{}, []presented{{200, healthAnswer{}, "", ""}}},
		{"getReadiness", http.MethodGet, "/readyz", "server", "The server can do its work", "", nil, content{}, []presented{{200, healthAnswer{}, "", ""}, bad(503)}},
	}
}

// bad is an error's answer.
func bad(status int) presented { return presented{status, errorAnswer{}, "", http.StatusText(status)} }

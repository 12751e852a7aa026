package api

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/openova-io/provflow/service/flow"
)

// jobWire is a job as it travels. Times are RFC 3339 in UTC.
type jobWire struct {
	ID                string       `json:"id"`
	DeploymentID      string       `json:"deploymentId"`
	JobName           string       `json:"jobName"`
	DisplayName       string       `json:"displayName,omitempty"`
	Type              flow.JobType `json:"type" enum:"install,group"`
	Kind              string       `json:"kind,omitempty"`
	AppID             string       `json:"appId,omitempty"`
	Region            string       `json:"region,omitempty"`
	ParentID          string       `json:"parentId"`
	DependsOn         []string     `json:"dependsOn"`
	ChildIDs          []string     `json:"childIds,omitempty"`
	Action            string       `json:"action,omitempty"`
	Status            flow.Status  `json:"status" enum:"pending,running,succeeded,failed"`
	StartedAt         *time.Time   `json:"startedAt,omitempty"`
	FinishedAt        *time.Time   `json:"finishedAt,omitempty"`
	DurationMs        int64        `json:"durationMs"`
	LatestExecutionID string       `json:"latestExecutionId,omitempty"`
}

// executionWire is one attempt as it travels.
type executionWire struct {
	ID           string      `json:"id"`
	JobID        string      `json:"jobId"`
	DeploymentID string      `json:"deploymentId"`
	Status       flow.Status `json:"status" enum:"pending,running,succeeded,failed"`
	StartedAt    time.Time   `json:"startedAt"`
	FinishedAt   *time.Time  `json:"finishedAt,omitempty"`
	LineCount    int64       `json:"lineCount"`
}

type jobsAnswer struct {
	Jobs []jobWire `json:"jobs"`
}

type jobAnswer struct {
	Job        jobWire         `json:"job"`
	Executions []executionWire `json:"executions"`
}

func (h *server) jobRoutes(r chi.Router) {
	r.Get("/api/v1/deployments/{id}/jobs", h.jobs)
	r.Get("/api/v1/deployments/{id}/jobs/{jobId}", h.job)
	r.Get("/api/v1/actions/executions/{id}/logs", h.logPage)
	r.With(h.Streams.Handler).Get("/api/v1/actions/executions/{id}/logs/stream", h.logStream)
}

// jobs lists a deployment's jobs, those of one status where it is asked for.
func (h *server) jobs(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	statuses, err := statusesOf(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	jobs, err := h.Store.Jobs(r.Context(), id, statuses...)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer, now := jobsAnswer{make([]jobWire, len(jobs))}, h.Now()
	for i, j := range jobs {
		answer.Jobs[i] = presentJob(id, j, now)
	}
	writeJSON(w, http.StatusOK, answer)
}

// job answers with one job and its attempts.
func (h *server) job(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	ref, err := pathJob(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	j, attempts, err := h.Store.Job(r.Context(), id, ref)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := jobAnswer{presentJob(id, j, h.Now()), make([]executionWire, len(attempts))}
	for i, x := range attempts {
		answer.Executions[i] = presentExecution(id, x)
	}
	writeJSON(w, http.StatusOK, answer)
}

// statusesOf reads ?status=, in any case; given more than once, it asks for any of them.
func statusesOf(r *http.Request) ([]flow.Status, error) {
	var statuses []flow.Status
	for _, text := range r.URL.Query()["status"] {
		if text == "" {
			continue
		}
		s, known := flow.ParseStatus(strings.ToLower(text))
		if !known {
			return nil, flow.Invalidf("invalid-status", "status %.40q is unknown; use pending, running, succeeded or failed", text)
		}
		statuses = append(statuses, s)
	}
	return statuses, nil
}

// pathJob gives the unescaped job id in the path.
func pathJob(r *http.Request) (string, error) {
	ref, err := url.PathUnescape(chi.URLParam(r, "jobId"))
	if err != nil {
		return "", flow.Invalidf("invalid-id", "the job's id in the path is not well escaped: %v", err)
	}
	return ref, flow.CheckID("the job's id in the path", ref)
}

func presentJob(deploymentID string, j flow.PlacedJob, now time.Time) jobWire {
	return jobWire{
		ID: j.ID, DeploymentID: deploymentID, JobName: j.Name, DisplayName: j.DisplayName, Type: j.Type, Kind: j.Family,
		AppID: j.AppID, Region: j.Region, ParentID: j.ParentID, DependsOn: append([]string{}, j.DependsOn...),
		ChildIDs: j.ChildIDs, Action: j.Action, Status: j.Status, StartedAt: orNothing(j.StartedAt), FinishedAt: orNothing(j.FinishedAt),
		DurationMs: j.Duration(now).Milliseconds(), LatestExecutionID: j.ExecutionID,
	}
}

func presentExecution(deploymentID string, x flow.Execution) executionWire {
	return executionWire{
		ID: x.ID, JobID: x.JobID, DeploymentID: deploymentID, Status: x.Status,
		StartedAt: x.StartedAt, FinishedAt: orNothing(x.FinishedAt), LineCount: x.LineCount,
	}
}

// orNothing leaves a time that is not known out of the answer.
func orNothing(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

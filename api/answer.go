package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/openova-io/provflow/service/flow"
)

// statusOf is the one table from code to HTTP status.
var statusOf = map[flow.Code]int{
	flow.Invalid:     http.StatusBadRequest,
	flow.NotFound:    http.StatusNotFound,
	flow.Conflict:    http.StatusConflict,
	flow.Unavailable: http.StatusServiceUnavailable,
	flow.Internal:    http.StatusInternalServerError,
}

// errorAnswer is every error's body: a stable slug, and what to do.
type errorAnswer struct {
	Error    string `json:"error"`
	Detail   string `json:"detail"`
	Line     int    `json:"line,omitempty"`     // of an NDJSON body, from 1
	Accepted *int   `json:"accepted,omitempty"` // lines before it that are kept
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"internal","detail":"see the log"}`)
	}
	writeBytes(w, status, b)
}

func writeBytes(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone; there is nobody to tell
}

// fail answers with an error. What is not the client's to see goes to the log alone.
func (h *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, answer := h.present(r, err)
	h.answerError(w, status, answer)
}

func (h *server) answerError(w http.ResponseWriter, status int, answer errorAnswer) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, answer)
}

func (h *server) present(r *http.Request, err error) (int, errorAnswer) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, errorAnswer{Error: "too-large", Detail: "the body is larger than allowed; send less at a time"}
	}
	var known *flow.Error
	if !errors.As(err, &known) {
		known = &flow.Error{Code: flow.Internal, Slug: "internal", Detail: "see the log", Cause: err}
	}
	status := statusOf[known.Code]
	if status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		h.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
	}
	return status, errorAnswer{Error: known.Slug, Detail: known.Detail}
}

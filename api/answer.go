package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/openova-io/provflow/api/ndjson"
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

// statusOfSlug is for what HTTP tells apart and the codes do not.
var statusOfSlug = map[string]int{
	slugTooLarge:    http.StatusRequestEntityTooLarge,
	slugTooSlow:     http.StatusRequestTimeout,
	slugAccessEnded: http.StatusUnauthorized,
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
	w.Header().Set("Content-Length", strconv.Itoa(len(body))) // else it would go out in chunks
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
	var known *flow.Error
	var partial *partialError
	answer := errorAnswer{}
	if errors.As(err, &partial) {
		answer.Line, answer.Accepted = partial.line, &partial.accepted
	}
	if !errors.As(err, &known) {
		known = &flow.Error{Code: flow.Internal, Slug: "internal", Detail: "see the log", Cause: err}
	}
	answer.Error, answer.Detail = known.Slug, known.Detail
	if answer.Line > 0 {
		answer.Detail = fmt.Sprintf("line %d: %s; the %d before it are kept", answer.Line, known.Detail, *answer.Accepted)
	}
	status := statusOf[known.Code]
	if finer, ok := statusOfSlug[known.Slug]; ok {
		status = finer
	}
	h.log(r, known, status, err)
	return status, answer
}

// log notes what is not the client's doing. A database that is away is no error of ours. Of
// what a client sent nothing is noted, and the detail of an invalid request quotes it.
func (h *server) log(r *http.Request, known *flow.Error, status int, err error) {
	level := slog.LevelDebug
	switch known.Code {
	case flow.Invalid:
		if err = errors.New(known.Slug); known.Cause != nil {
			err = fmt.Errorf("%s: %w", known.Slug, known.Cause)
		}
	case flow.Internal:
		level = slog.LevelError
	case flow.Unavailable:
		level = slog.LevelWarn
	}
	h.Logger.Log(r.Context(), level, "request failed", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
}

// partialError is an error in the middle of an NDJSON body, before which lines were kept.
type partialError struct {
	line     int // from 1; 0 where no line is at fault
	accepted int
	err      error
}

// partially adds to an error of an NDJSON body which line was at fault and how many
// before it are kept.
func partially(err error, accepted int) error {
	if err == nil {
		return nil
	}
	partial := &partialError{accepted: accepted, err: err}
	var at *ndjson.LineError
	if errors.As(err, &at) {
		partial.line = at.Line
	}
	return partial
}

func (e *partialError) Error() string { return e.err.Error() }

func (e *partialError) Unwrap() error { return e.err }

const slugTooLarge = "too-large"

// mostReadAway is how much of a body that is too large is read and dropped.
const mostReadAway = 16 << 20

// readBody reads a body of at most that many bytes. The rest of a larger one is read away: a
// client that still sends when the connection is closed does not see the answer.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil {
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		_, _ = io.CopyN(io.Discard, r.Body, mostReadAway) // what does not come is not missed
	}
	return nil, bodyError(err)
}

// bodyError tells a body over its limit from one that broke off.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	var known *flow.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &tooLarge):
		return flow.Invalidf(slugTooLarge, "the body is larger than %d bytes; send less at a time", tooLarge.Limit)
	}
	return &flow.Error{Code: flow.Invalid, Slug: "body-cut-off", Detail: "the body ended before its end; send it again", Cause: err}
}

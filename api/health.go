package api

import (
	"errors"
	"net/http"

	"github.com/openova-io/provflow/service/flow"
)

type healthAnswer struct {
	Status string `json:"status"`
}

// healthz: the process answers.
func (h *server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, healthAnswer{"ok"})
}

// readyz: the server is not stopping, the database is reachable, its migrations are current, the listener is connected.
func (h *server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(r.Context()); err != nil {
		// Not logged: whoever asks is told, and asks often.
		h.answerError(w, http.StatusServiceUnavailable, unready(err))
		return
	}
	writeJSON(w, http.StatusOK, healthAnswer{"ready"})
}

// unready is what may be shown of why. A server that stops is told apart: it will not be
// ready again.
func unready(err error) errorAnswer {
	answer := errorAnswer{Error: "not-ready", Detail: "see the log"}
	var known *flow.Error
	if errors.As(err, &known) {
		answer.Detail = known.Detail
		if known.Slug == slugDraining {
			answer.Error = slugDraining
		}
	}
	return answer
}

const slugDraining = "draining"

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

// readyz: the database is reachable, its migrations are current, the listener is connected.
func (h *server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(r.Context()); err != nil {
		// Not logged: whoever asks is told, and asks often.
		h.answerError(w, http.StatusServiceUnavailable, errorAnswer{Error: "not-ready", Detail: reason(err)})
		return
	}
	writeJSON(w, http.StatusOK, healthAnswer{"ready"})
}

// reason is what may be shown of an error.
func reason(err error) string {
	var known *flow.Error
	if errors.As(err, &known) {
		return known.Detail
	}
	return "see the log"
}

package api

import "net/http"

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
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, healthAnswer{"ready"})
}

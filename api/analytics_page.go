package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// The window of a list where none is given, and the longest.
const (
	usualWindow = 30 * 24 * time.Hour
	mostWindow  = 366 * 24 * time.Hour
)

// page reads what all lists ask with: ?from&to&limit.
func (h *server) page(r *http.Request) (timeline.Window, int, error) {
	q := r.URL.Query()
	limit, err := pageLimit(q.Get("limit"), analyticsPage, maxAnalyticsPage)
	if err != nil {
		return timeline.Window{}, 0, err
	}
	w, err := windowOf(q.Get("from"), q.Get("to"), h.Now())
	return w, limit, err
}

// windowOf reads a window; without a beginning it is the usual one before its end.
func windowOf(from, to string, now time.Time) (timeline.Window, error) {
	var err error
	w := timeline.Window{To: now}
	if to != "" {
		if w.To, err = parseMoment("to", to); err != nil {
			return w, err
		}
	}
	w.From = w.To.Add(-usualWindow)
	if from != "" {
		if w.From, err = parseMoment("from", from); err != nil {
			return w, err
		}
	}
	switch {
	case !w.From.Before(w.To):
		return w, flow.Invalidf("invalid-range", "from %s is not before to %s", w.From.Format(time.RFC3339), w.To.Format(time.RFC3339))
	case w.To.Sub(w.From) > mostWindow:
		return w, flow.Invalidf("invalid-range", "from and to are more than 366 days apart; ask for less at a time")
	}
	return w, nil
}

func outcomeOf(r *http.Request) (flow.Status, error) {
	text := r.URL.Query().Get("outcome")
	if text == "" {
		return "", nil
	}
	s, known := flow.ParseStatus(strings.ToLower(text))
	if !known {
		return "", flow.Invalidf("invalid-outcome", "outcome %.40q is unknown; use pending, running, succeeded or failed", text)
	}
	return s, nil
}

func formatProvisionPlace(p timeline.Place) string {
	b, _ := json.Marshal(p) // times and texts can always be written
	return formatAfter(string(b))
}

func parseProvisionPlace(s string) (p timeline.Place, err error) {
	text, err := parseAfter(s)
	if err != nil || text == "" {
		return p, err
	}
	if json.Unmarshal([]byte(text), &p) != nil || flow.CheckID("after", p.FlowID) != nil || !inReach(p.StartedAt.UnixMicro()) {
		return p, errAfter
	}
	return p, nil
}

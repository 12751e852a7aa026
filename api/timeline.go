package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
	"github.com/openova-io/provflow/service/timeline/form"
	"github.com/openova-io/provflow/service/timeline/gantt"
)

// timeline answers with a flow's attempts, what each waited for and for how long it ran.
func (h *server) timeline(w http.ResponseWriter, r *http.Request) {
	now := h.Now()
	t, err := h.readTimeline(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := form.FromTimeline(t, now)
	h.show(w, r, answer, sheet{name: "timeline", rows: answer.Rows})
}

// timelineSVG draws the same. A browser that shows the picture by itself may do nothing
// else with it.
func (h *server) timelineSVG(w http.ResponseWriter, r *http.Request) {
	t, err := h.readTimeline(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(gantt.SVG(t, h.Now()))
}

func (h *server) readTimeline(r *http.Request) (timeline.Timeline, error) {
	id, err := pathID(r)
	if err != nil {
		return timeline.Timeline{}, err
	}
	return h.Analytics.Timeline(r.Context(), id)
}

// criticalPath answers with the chain of attempts that decided the end.
func (h *server) criticalPath(w http.ResponseWriter, r *http.Request) {
	now := h.Now()
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p, err := h.Analytics.CriticalPath(r.Context(), id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := form.FromPath(id, p, now)
	h.show(w, r, answer, sheet{name: "critical-path", rows: answer.Segments})
}

// diagnosis answers with the failures that nothing before them explains, and with what
// they stop.
func (h *server) diagnosis(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	d, err := h.Analytics.Diagnosis(r.Context(), id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := form.FromDiagnosis(id, d)
	h.show(w, r, answer, sheet{name: "diagnosis", rows: answer.Findings()})
}

// estimate answers with when a running flow is expected to end.
func (h *server) estimate(w http.ResponseWriter, r *http.Request) {
	now := h.Now()
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	e, err := h.Analytics.Estimate(r.Context(), id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := form.FromEstimate(e, now)
	h.show(w, r, answer, sheet{name: "estimate", rows: answer.Ends()})
}

// pastSnapshot answers with a flow as it was at a moment.
func (h *server) pastSnapshot(w http.ResponseWriter, r *http.Request, id, at string) {
	moment, err := parseMoment("at", at)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	m, err := h.Analytics.At(r.Context(), id, moment)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := flow.Snapshot(flow.Delta{Flow: &m.Flow, Jobs: m.Jobs, Relationships: m.Relationships})
	h.show(w, r, answer, sheet{name: "snapshot", rows: form.States(m)})
}

// parseMoment reads a time as requests give it: RFC 3339, a day, or unix milliseconds, as
// the envelope has them.
func parseMoment(name, s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && inReach(t.UnixMicro()) {
			return t.UTC(), nil
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms >= 1e12 && ms < 1e15 && inReach(ms*1000) {
		return time.UnixMilli(ms).UTC(), nil
	}
	return time.Time{}, flow.Invalidf("invalid-time", "%s %.40q: use a time such as 2026-11-23T20:00:00Z, a day such as 2026-11-23, or unix milliseconds", name, s)
}

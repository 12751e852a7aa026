package api

import (
	"net/http"

	"github.com/openova-io/provflow/service/timeline/form"
)

// Parameters of what is asked about time, as the description shows them.
type (
	windowParams struct {
		From string `query:"from" description:"Beginning of the window: RFC 3339, a day, or unix milliseconds; 30 days before its end where it is left out."`
		To   string `query:"to" description:"End of the window, at most 366 days after its beginning; now where it is left out."`
	}
	pageParams struct {
		Limit int    `query:"limit" default:"100" maximum:"1000"`
		After string `query:"after" description:"The next of the page before."`
	}
	provisionsParams struct {
		windowParams
		Outcome string `query:"outcome" enum:"pending,running,succeeded,failed" description:"Only those, in any case."`
		pageParams
	}
	componentsParams struct {
		windowParams
		Region string `query:"region" description:"Only attempts in this region; all regions together where it is left out."`
		pageParams
	}
	compareParams struct {
		A string `query:"a" required:"true" description:"A flow."`
		B string `query:"b" required:"true" description:"The flow that is held against it."`
	}
)

const (
	svgMedia = "image/svg+xml"
	csvMedia = "text/csv"

	alsoCSV = "With Accept: text/csv a table with the same names as header."
)

// table is an answer that is to be had as JSON and as CSV.
func table(form any, bads ...int) []presented {
	answers := []presented{{200, form, "", ""}, {200, "", csvMedia, ""}}
	for _, status := range append(bads, 503) {
		answers = append(answers, bad(status))
	}
	return answers
}

func analyticsOperations() []operation {
	const flows = "/api/v1/flows/{id}"
	const all = "/api/v1/analytics"
	return []operation{
		{"getTimeline", http.MethodGet, flows + "/timeline", "analytics", "What each attempt waited for and how long it ran", alsoCSV, idParam{}, content{}, table(form.Timeline{}, 400, 404)},
		{"drawTimeline", http.MethodGet, flows + "/timeline.svg", "analytics", "The same, drawn", "Also while the flow runs. It takes the reader's light or dark colours.", idParam{}, content{},
			[]presented{{200, "", svgMedia, ""}, bad(400), bad(404), bad(503)}},
		{"getCriticalPath", http.MethodGet, flows + "/critical-path", "analytics", "The chain of attempts that decided the end", alsoCSV, idParam{}, content{}, table(form.Path{}, 400, 404)},
		{"getDiagnosis", http.MethodGet, flows + "/diagnosis", "analytics", "What failed first, and what that stops", alsoCSV, idParam{}, content{}, table(form.Diagnosis{}, 400, 404)},
		{"getEstimate", http.MethodGet, flows + "/estimate", "analytics", "When a running flow is expected to end", alsoCSV, idParam{}, content{}, table(form.Estimate{}, 400, 404)},
		{"listProvisions", http.MethodGet, all + "/provisions", "analytics", "Provisions that began in a window, latest first", alsoCSV, provisionsParams{}, content{}, table(form.Provisions{}, 400)},
		{"listComponents", http.MethodGet, all + "/components", "analytics", "What each component took in a window", alsoCSV, componentsParams{}, content{}, table(form.Components{}, 400)},
		{"compareFlows", http.MethodGet, all + "/compare", "analytics", "How one flow differs from another, job by job", alsoCSV, compareParams{}, content{}, table(form.Comparison{}, 400, 404)},
	}
}

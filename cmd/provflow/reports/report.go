package reports

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/openova-io/provflow/cmd/provflow/remote"
	"github.com/openova-io/provflow/service/timeline/form"
	"github.com/openova-io/provflow/service/timeline/gantt"
)

// Reporter asks one server and prints what it says.
type Reporter struct {
	remote.Client
	Out   io.Writer
	Paper gantt.Paper // tables take what they need of one that has no width
}

// Window is from when to when provisions began, as the user wrote it; empty: the server's usual one.
type Window struct{ From, To string }

func (w Window) query() url.Values {
	q := url.Values{}
	set(q, "from", w.From)
	set(q, "to", w.To)
	return q
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// Timeline prints a flow's timeline; with the name of a file it writes the picture there instead.
func (r Reporter) Timeline(ctx context.Context, flowID, svg string) error {
	path := "/api/v1/flows/" + url.PathEscape(flowID) + "/timeline"
	if svg != "" {
		picture, err := r.Get(ctx, path+".svg", nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(svg, picture, 0o644); err != nil { //nolint:gosec // a picture to be shown
			return fmt.Errorf("--svg: %w", err)
		}
		_, err = fmt.Fprintf(r.Out, "%s: the timeline of %s\n", svg, gantt.Shorten(flowID, mostCell))
		return err
	}
	var t form.Timeline
	if err := r.GetJSON(ctx, path, nil, &t); err != nil {
		return err
	}
	_, err := io.WriteString(r.Out, gantt.Text(t.Timeline(), t.AsOf, r.Paper))
	return err
}

// Fleet prints the provisions that began in a window, latest first.
func (r Reporter) Fleet(ctx context.Context, w Window, outcome string, limit int) error {
	q := w.query()
	set(q, "outcome", outcome)
	q.Set("limit", fmt.Sprint(limit))
	var page form.Provisions
	if err := r.GetJSON(ctx, "/api/v1/analytics/provisions", q, &page); err != nil {
		return err
	}
	if len(page.Provisions) == 0 {
		return r.say("No provision began %s.", span(page.From, page.To))
	}
	t := table{
		columns: []string{"flow", "outcome", "began", " took", " path ran", " path idle", " jobs", " failed", " retries", "first failure"},
		spare:   []int{5, 4, 8, 6, 7},
	}
	for _, p := range page.Provisions {
		t.add(p.FlowID, string(p.Outcome), date(p.StartedAt), took(p.TookMs), took(p.PathRanMs), took(p.PathIdleMs), count(p.Jobs), count(p.JobsFailed),
			count(p.Retries), p.FirstFailedJobID)
	}
	if err := t.write(r.Out, r.Paper.Width); err != nil {
		return err
	}
	return r.more(page.Next, len(page.Provisions), "latest")
}

// Components prints what each component took in a window.
func (r Reporter) Components(ctx context.Context, w Window, region string, limit int) error {
	q := w.query()
	set(q, "region", region)
	q.Set("limit", fmt.Sprint(limit))
	var page form.Components
	if err := r.GetJSON(ctx, "/api/v1/analytics/components", q, &page); err != nil {
		return err
	}
	if len(page.Components) == 0 {
		return r.say("No attempt at a component began %s.", span(page.From, page.To))
	}
	t := table{
		columns: []string{"component", " flows", " runs", " failed", " retried", " waited p50", " waited p90", " waited p99", " ran p50", " ran p90", " ran p99"},
		spare:   []int{7, 10, 4, 1},
	}
	for _, c := range page.Components {
		t.add(c.Component, count(c.Flows), count(c.Runs), count(c.Failures), count(c.Retries), maybe(c.WaitedP50Ms), maybe(c.WaitedP90Ms), maybe(c.WaitedP99Ms),
			maybe(c.RanP50Ms), maybe(c.RanP90Ms), maybe(c.RanP99Ms))
	}
	if err := t.write(r.Out, r.Paper.Width); err != nil {
		return err
	}
	return r.more(page.Next, len(page.Components), "first")
}

// Compare prints how flow b differs from flow a.
func (r Reporter) Compare(ctx context.Context, a, b string) error {
	var c form.Comparison
	if err := r.GetJSON(ctx, "/api/v1/analytics/compare", url.Values{"a": {a}, "b": {b}}, &c); err != nil {
		return err
	}
	for name, p := range []form.Provision{c.A, c.B} {
		if err := r.say("%s  %s: %s, took %s", string("AB"[name]), gantt.Shorten(p.FlowID, mostCell), p.Outcome, took(p.TookMs)); err != nil {
			return err
		}
	}
	if len(c.Jobs) == 0 {
		return r.say("No job differs.")
	}
	if err := r.say(""); err != nil {
		return err
	}
	t := table{columns: []string{"job", "change", " ran in A", " ran in B", " more", " attempts", "critical path"}, spare: []int{5}}
	for _, d := range c.Jobs {
		t.add(d.Name, changeWords[d.Change], side(d.JobIDA, d.RanAMs), side(d.JobIDB, d.RanBMs), more(d), tries(d), pathWords[d.Path])
	}
	return t.write(r.Out, r.Paper.Width)
}

func (r Reporter) say(format string, args ...any) error {
	_, err := fmt.Fprintf(r.Out, format+"\n", args...)
	return err
}

// more says that there is more than was asked for.
func (r Reporter) more(next string, n int, which string) error {
	if next == "" {
		return nil
	}
	return r.say("\nThese are the %s %d; --limit shows more, --from and --to others.", which, n)
}

func span(from, to time.Time) string {
	return fmt.Sprintf("from %s to %s; --from and --to look elsewhere", date(&from), date(&to))
}

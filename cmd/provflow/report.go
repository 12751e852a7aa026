package main

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/openova-io/provflow/cmd/provflow/reports"
	"github.com/openova-io/provflow/service/timeline/gantt"
)

// usualWidth is of a timeline where nothing says how wide it is to be.
const usualWidth = 100

type reportCmd struct {
	Timeline   reportTimelineCmd   `cmd:"" help:"A flow's attempts over time, with the critical path marked; also while it runs."`
	Compare    reportCompareCmd    `cmd:"" help:"How one flow's time differs from another's, job by job."`
	Components reportComponentsCmd `cmd:"" help:"What each component waited and ran, over many provisions."`
	Fleet      reportFleetCmd      `cmd:"" help:"Provisions, latest first: outcome, duration, what failed first."`
}

// tables prints tables on standard output, in a terminal no wider than that.
func (f serverFlags) tables() reports.Reporter {
	return f.reporter(gantt.Paper{Width: widthOf(os.Stdout)})
}

// reporter prints on standard output.
func (f serverFlags) reporter(paper gantt.Paper) reports.Reporter {
	return reports.Reporter{Client: f.client(), Out: os.Stdout, Paper: paper}
}

// windowFlags say which provisions are looked at.
type windowFlags struct {
	From string `placeholder:"TIME" help:"Only what began at or after this: 2026-11-23, or 2026-11-23T20:00:00Z; 30 days before --to where it is left out."`
	To   string `placeholder:"TIME" help:"Only what began before this; now where it is left out. At most 366 days after --from."`
}

func (f windowFlags) window() reports.Window { return reports.Window(f) }

type reportTimelineCmd struct {
	serverFlags
	Flow  string `arg:"" help:"The flow."`
	SVG   string `name:"svg" placeholder:"FILE" type:"path" help:"Write a picture to this file instead, for a browser."`
	Width int    `placeholder:"N" help:"Columns to draw in; the terminal's where it is left out, or 100."`
	ASCII bool   `name:"ascii" help:"Draw with ASCII only; also done where the locale is not UTF-8."`
}

func (c *reportTimelineCmd) Run(ctx context.Context) error {
	paper := gantt.Paper{Width: c.Width, ASCII: c.ASCII || !utf8Locale(os.Getenv), Colour: coloured(os.Stdout)}
	if paper.Width <= 0 {
		paper.Width = cmp.Or(widthOf(os.Stdout), usualWidth)
	}
	return c.reporter(paper).Timeline(ctx, c.Flow, c.SVG)
}

type reportCompareCmd struct {
	serverFlags
	A string `arg:"" help:"A flow."`
	B string `arg:"" help:"The flow that is held against it."`
}

func (c *reportCompareCmd) Run(ctx context.Context) error {
	return c.tables().Compare(ctx, c.A, c.B)
}

type reportComponentsCmd struct {
	serverFlags
	windowFlags
	Region string `placeholder:"NAME" help:"Only attempts in this region."`
	Limit  int    `default:"1000" placeholder:"N" help:"At most so many components (${default})."`
}

func (c *reportComponentsCmd) Run(ctx context.Context) error {
	return c.tables().Components(ctx, c.window(), c.Region, c.Limit)
}

type reportFleetCmd struct {
	serverFlags
	windowFlags
	Outcome string `placeholder:"NAME" help:"Only those that are pending, running, succeeded or failed."`
	Limit   int    `default:"50" placeholder:"N" help:"At most so many provisions (${default})."`
}

func (c *reportFleetCmd) Run(ctx context.Context) error {
	return c.tables().Fleet(ctx, c.window(), c.Outcome, c.Limit)
}

// widthOf is how wide the terminal is; 0 where there is none.
func widthOf(out *os.File) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if n, _, err := term.GetSize(int(out.Fd())); err == nil && n > 0 {
		return n
	}
	return 0
}

// coloured reports a terminal whose user wants colours.
func coloured(out *os.File) bool {
	return term.IsTerminal(int(out.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// utf8Locale reads the variables in the order in which they count. Where none is set, as in
// many containers, the terminal is most likely one that shows everything.
func utf8Locale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(env(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}

package gantt

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Paper is what a timeline is printed on.
type Paper struct {
	Width  int  // in cells; less than leastWidth is taken for that
	ASCII  bool // where a terminal shows no other letters
	Colour bool
}

const (
	leastWidth  = 60
	mostLabel   = 40
	tookColumn  = 8 // the widest duration
	triesColumn = 4
)

// signs are what bars are made of.
type signs struct {
	critical, ran, wait, failed, open, mark, rule, times, arrow, between, more string
	loads                                                                      []string
}

var (
	unicodeSigns = signs{
		critical: "█", ran: "▒", wait: "·", failed: "✗", open: "▸", mark: "◆", rule: "─", times: "×", arrow: " → ", between: " · ", more: "…",
		loads: strings.Split(" ▁▂▃▄▅▆▇█", ""),
	}
	asciiSigns = signs{
		critical: "#", ran: "=", wait: ".", failed: "x", open: ">", mark: "*", rule: "-", times: "x", arrow: " -> ", between: ", ", more: "~",
		loads: strings.Split(" .:-=+*#@", ""),
	}
)

// Colours of a terminal.
const (
	plain     = ""
	bold      = "1"
	dim       = "2"
	red       = "31"
	brightRed = "1;31"
	blue      = "1;34"
	cyan      = "36"
)

// Text draws a timeline as of a moment, one line for each job.
func Text(t timeline.Timeline, now time.Time, p Paper) string {
	s := &sheet{chart: layOut(t, now), paper: p, signs: unicodeSigns}
	if p.ASCII {
		s.signs = asciiSigns
	}
	s.measure()
	s.say(bold, t.Provision.FlowID)
	s.list(dim, "", s.signs.between, s.chart.summary())
	if !s.chart.begun() {
		s.say(plain, "Nothing has begun yet.")
		return s.String()
	}
	s.axis()
	for _, b := range s.chart.bands {
		s.band(b)
	}
	s.path()
	return s.String()
}

// sheet is the lines drawn so far.
type sheet struct {
	strings.Builder
	chart  chart
	paper  Paper
	signs  signs
	labels int // cells of the labels' column
	bars   int // cells of the bars' column
}

// measure divides the width: labels as wide as they need and no wider than a third.
func (s *sheet) measure() {
	for _, b := range s.chart.bands {
		for _, l := range b.lanes {
			s.labels = max(s.labels, uniseg.StringWidth(s.fit(l.label, mostLabel)))
		}
	}
	s.labels = min(max(s.labels, 12), s.width()/3)
	s.bars = s.width() - s.labels - tookColumn - triesColumn - 4
}

// axis is one line of ticks, as many as have room.
func (s *sheet) axis() {
	line, free := strings.Repeat(" ", s.labels+3), 0
	for _, t := range s.chart.ticks(max(s.bars/9, 2)) {
		label := tickLabel(t)
		cell := s.cell(s.chart.from.Add(t))
		if cell < free || cell+len(label) > s.bars {
			continue
		}
		line += strings.Repeat(" ", cell-free+min(free, 1)) + label
		free = cell + len(label) + 1
	}
	s.say(dim, line)
}

// cell is where a moment lies in the bars' column.
func (s *sheet) cell(t time.Time) int { return min(int(s.chart.at(t)*float64(s.bars)), s.bars-1) }

func (s *sheet) band(b band) {
	count := " " + counts(b.tally)
	title := s.fit(b.label, max(s.width()-len(count)-4, 8)) + " "
	rest := s.width() - uniseg.StringWidth(title) - len(count)
	s.colour(bold, title)
	s.colour(dim, strings.Repeat(s.signs.rule, max(rest, 2))+count)
	s.WriteString("\n")
	for _, l := range b.lanes {
		s.lane(l)
	}
	if len(b.others) > 0 {
		s.load(b.others)
	}
}

// lane is a line of one job.
func (s *sheet) lane(l lane) {
	mark, tint := " ", plain
	if l.critical {
		mark, tint = s.signs.mark, blue
	}
	s.colour(tint, mark+" "+s.pad(s.fit(l.label, s.labels), s.labels)+" ")
	s.bar(l)
	tries, took := "", "-"
	if n := len(l.attempts); n > 1 {
		tries = fmt.Sprintf(" %s%d", s.signs.times, n)
	}
	if !l.attempts[0].StartedAt.IsZero() {
		took = Duration(l.ran)
	}
	s.colour(dim, s.pad(tries, triesColumn))
	fmt.Fprintf(s, "%*s\n", tookColumn, took)
}

// stroke is one cell of a bar.
type stroke struct{ sign, tint string }

// bar draws waits, attempts over them, and over those how they ended, so that the short is
// seen beside the long.
func (s *sheet) bar(l lane) {
	cells := slices.Repeat([]stroke{{" ", plain}}, s.bars)
	fill := func(from, to time.Time, with stroke) {
		for i := s.cell(from); i <= s.cell(to); i++ {
			cells[i] = with
		}
	}
	for _, r := range l.attempts {
		if from, to := s.chart.waitOf(r); !from.IsZero() {
			fill(from, to, stroke{s.signs.wait, dim})
		}
	}
	for _, r := range l.attempts {
		if r.StartedAt.IsZero() {
			continue
		}
		fill(r.StartedAt, endOf(r, s.chart.now), s.strokeOf(r))
	}
	for _, r := range l.attempts {
		switch end := s.cell(endOf(r, s.chart.now)); r.Status {
		case flow.Failed:
			cells[end] = stroke{s.signs.failed, brightRed}
		case flow.Running:
			cells[end] = stroke{s.signs.open, cyan}
		}
	}
	s.strokes(cells)
}

func (s *sheet) strokeOf(r timeline.Row) stroke {
	st := stroke{s.signs.ran, plain}
	if r.Critical {
		st = stroke{s.signs.critical, blue}
	}
	switch r.Status {
	case flow.Failed:
		st.tint = red
	case flow.Running:
		st.tint = cyan
	}
	return st
}

// strokes writes cells, those of one colour together.
func (s *sheet) strokes(cells []stroke) {
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && cells[n].tint == cells[0].tint {
			n++
		}
		var run strings.Builder
		for _, c := range cells[:n] {
			run.WriteString(c.sign)
		}
		s.colour(cells[0].tint, run.String())
		cells = cells[n:]
	}
}

// load is a line of the jobs that are drawn together: how many ran at each moment.
func (s *sheet) load(lanes []lane) {
	loads, most := s.chart.loads(lanes, s.bars), 1
	for _, n := range loads {
		most = max(most, n)
	}
	line, high := "", len(s.signs.loads)-1
	for _, n := range loads {
		line += s.signs.loads[(n*high+most-1)/most]
	}
	s.WriteString("  " + s.pad(s.fit(fmt.Sprintf("%d others", len(lanes)), s.labels), s.labels) + " ")
	s.colour(dim, line+strings.Repeat(" ", triesColumn))
	fmt.Fprintf(s, "%*s\n", tookColumn, fmt.Sprintf("max %d", most))
}

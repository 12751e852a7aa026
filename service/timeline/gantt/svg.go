package gantt

import (
	_ "embed" // the style sheet
	"fmt"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

// Measures in pixels. Labels, bars and durations have a column each, so that none lies
// over another, however long it is.
const (
	width      = 1200.0
	margin     = 24.0
	labelsEnd  = 268.0
	plotStart  = 284.0
	plotEnd    = 1096.0
	headHeight = 104.0
	bandHead   = 30.0
	laneHeight = 22.0
	barHeight  = 12.0
	loadHeight = 40.0 // of the lanes that are drawn together
	bandGap    = 12.0
	footHeight = 34.0
	loadParts  = 203  // of the axis; one is four pixels wide
	nowRoom    = 34.0 // between the last tick's label and that of now
)

// How many cells of text its column has room for.
const (
	mostTitle  = 50
	mostPlain  = 36
	mostStrong = 32
	mostBand   = 34
)

//go:embed style.css
var style string

// SVG draws a timeline as of a moment. The picture needs nothing from elsewhere, runs
// nothing, and takes the reader's light or dark colours.
func SVG(t timeline.Timeline, now time.Time) []byte {
	c := layOut(t, now)
	d := &drawing{chart: c, middles: map[string]float64{}}
	y := headHeight
	for _, b := range c.bands {
		y = d.band(b, y)
	}
	d.links()
	height := y + footHeight
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" width="%[1]g" height="%[2]g" viewBox="0 0 %[1]g %[2]g">`+"\n",
		width, height)
	fmt.Fprintf(&out, "<title id=\"title\">Provision %s</title>\n<desc id=\"desc\">%s</desc>\n<style>%s</style>\n", escape(c.FlowID), escape(strings.Join(c.summary(), " · ")), style)
	fmt.Fprintf(&out, `<defs><clipPath id="labels"><rect x="0" y="0" width="%g" height="%g"/></clipPath></defs>`+"\n", labelsEnd, height)
	fmt.Fprintf(&out, `<rect class="page" width="%g" height="%g"/>`+"\n", width, height)
	frame := &drawing{chart: c}
	frame.head()
	frame.axis(y)
	out.WriteString(frame.String())
	out.WriteString(d.String())
	out.WriteString("</svg>\n")
	return []byte(out.String())
}

// drawing collects the elements of a picture.
type drawing struct {
	strings.Builder
	chart   chart
	middles map[string]float64 // of the lanes drawn, by job
}

func (d *drawing) x(t time.Time) float64 { return plotStart + d.chart.at(t)*(plotEnd-plotStart) }

func (d *drawing) rect(class string, x, y, w, h, radius float64) {
	fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%g"/>`, class, x, y, w, h, radius)
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(d, `<path class="%s" d="M%.1f %.1fL%.1f %.1f"/>`, class, x1, y1, x2, y2)
}

func (d *drawing) text(class string, x, y float64, s string) {
	fmt.Fprintf(d, `<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, x, y, escape(s))
}

// head is the title, what the provision came to, and what the colours mean.
func (d *drawing) head() {
	c := d.chart
	d.text("title", margin, 40, Shorten(c.FlowID, mostTitle))
	d.text("sub", margin, 62, strings.Join(c.summary(), " · "))
	x := width - margin
	for _, key := range []struct {
		class, name string
		wide        float64
	}{{"wait", "waited", 46}, {"running", "running", 50}, {"failed", "failed", 38}, {"ok critical", "critical path", 78}, {"ok", "ran", 24}} {
		x -= key.wide
		d.text("key", x, 39.5, key.name)
		d.rect("bar "+key.class, x-24, 29, 18, barHeight, 3)
		x -= 24 + 20
	}
	d.WriteString("\n")
}

// axis is the ticks above and below the lanes, and the moment itself where it goes on.
func (d *drawing) axis(bottom float64) {
	if !d.chart.begun() {
		d.text("sub", margin, headHeight+4, "Nothing has begun yet.")
		return
	}
	end := d.x(d.chart.to)
	for _, t := range d.chart.ticks(10) {
		x := d.x(d.chart.from.Add(t))
		d.line("grid", x, headHeight-12, x, bottom+4)
		if d.chart.running() && end-x < nowRoom {
			continue
		}
		d.text("tick", x, headHeight-18, tickLabel(t))
		d.text("tick", x, bottom+20, tickLabel(t))
	}
	if d.chart.running() {
		d.line("now", end, headHeight-12, end, bottom+4)
		d.text("tick now-label", end, headHeight-18, "now")
		d.text("tick now-label", end, bottom+20, "now")
	}
	d.WriteString("\n")
}

// band draws a band from y on and says where the next one begins.
func (d *drawing) band(b band, y float64) float64 {
	fmt.Fprintf(d, "<g>")
	d.rect("head", margin-10, y+3, width-2*margin+20, bandHead-8, 5)
	fmt.Fprintf(d, `<g clip-path="url(#labels)">`)
	d.text("band", margin, y+18.5, Shorten(b.label, mostBand))
	d.WriteString("</g>")
	d.text("count", plotStart, y+18.5, counts(b.tally))
	if !b.from.IsZero() {
		d.text("took", width-margin, y+18.5, Duration(b.to.Sub(b.from)))
	}
	d.WriteString("</g>\n")
	y += bandHead
	for _, l := range b.lanes {
		d.lane(l, y)
		y += laneHeight
	}
	if len(b.others) > 0 {
		d.load(b.others, y)
		y += loadHeight
	}
	return y + bandGap
}

// lane draws one job: what it waited, its attempts, how long they took together.
func (d *drawing) lane(l lane, y float64) {
	middle, class, most := y+laneHeight/2, "label", mostPlain
	d.middles[l.attempts[0].JobID] = middle
	if l.critical {
		class, most = "label strong", mostStrong
	}
	fmt.Fprintf(d, "<g><title>%s</title>", escape(d.chart.tell(l)))
	fmt.Fprintf(d, `<rect class="hit" x="%g" y="%g" width="%g" height="%g"/>`, margin-10, y, width-2*margin+20, laneHeight)
	fmt.Fprintf(d, `<g clip-path="url(#labels)">`)
	d.text(class, margin+14, middle+4, Shorten(l.label, most))
	d.WriteString("</g>")
	if l.critical {
		fmt.Fprintf(d, `<path class="mark" d="M%g %gl4 4l-4 4l-4 -4z"/>`, margin+4, middle-4)
	}
	for _, r := range l.attempts {
		d.attempt(r, middle)
	}
	for _, r := range l.attempts { // over the bars, which may lie close together
		d.cross(r, middle)
	}
	if !l.attempts[0].StartedAt.IsZero() {
		d.text("took", width-margin, middle+4, Duration(l.ran))
	}
	if n := len(l.attempts); n > 1 {
		d.text("tries", plotEnd+12, middle+4, fmt.Sprintf("×%d", n))
	}
	d.WriteString("</g>\n")
}

func (d *drawing) attempt(r timeline.Row, middle float64) {
	if from, to := d.chart.waitOf(r); !from.IsZero() {
		d.rect("bar wait", d.x(from), middle-2.5, max(d.x(to)-d.x(from), 1), 5, 2.5)
	}
	if r.StartedAt.IsZero() {
		return
	}
	x1, x2 := d.x(r.StartedAt), d.x(endOf(r, d.chart.now))
	d.rect("bar "+classOf(r), x1, middle-barHeight/2, max(x2-x1, 2.5), barHeight, 3)
}

// cross marks the end of an attempt that failed.
func (d *drawing) cross(r timeline.Row, middle float64) {
	if r.Status == flow.Failed && !r.StartedAt.IsZero() {
		fmt.Fprintf(d, `<path class="cross" d="M%.1f %.1fl6 6m0 -6l-6 6"/>`, d.x(endOf(r, d.chart.now))-3, middle-3)
	}
}

// links lead from the end of each step of the critical path to the beginning of the next,
// as far as both are drawn.
func (d *drawing) links() {
	for i := 1; i < len(d.chart.path.Rows); i++ {
		from, to := d.chart.path.Rows[i-1], d.chart.path.Rows[i]
		y1, y2 := d.middles[from.JobID], d.middles[to.JobID]
		if y1 == 0 || y2 == 0 || y1 == y2 {
			continue
		}
		x := d.x(endOf(from, d.chart.now))
		fmt.Fprintf(d, `<path class="link" d="M%.1f %.1fV%.1fH%.1f"/>`, x, y1, y2, d.x(to.StartedAt))
	}
}

func classOf(r timeline.Row) string {
	class := "ok"
	switch r.Status {
	case flow.Failed:
		class = "failed"
	case flow.Running:
		class = "running"
	}
	if r.Critical {
		class += " critical"
	}
	return class
}

// load draws how many of the lanes ran at each moment.
func (d *drawing) load(lanes []lane, y float64) {
	loads, most := d.chart.loads(lanes, loadParts), 1
	for _, n := range loads {
		most = max(most, n)
	}
	bottom := y + loadHeight - 6
	fmt.Fprintf(d, "<g><title>%s</title>", escape(fmt.Sprintf("%d other jobs, up to %d of them at the same time", len(lanes), most)))
	d.text("label", margin+14, bottom-10, fmt.Sprintf("%d others", len(lanes)))
	fmt.Fprintf(d, `<path class="load" d="M%g %.1f`, plotStart, bottom)
	for _, n := range loads {
		fmt.Fprintf(d, "V%.1fh4", bottom-float64(n)/float64(most)*(loadHeight-12))
	}
	fmt.Fprintf(d, `V%.1fz"/>`, bottom)
	d.text("took", width-margin, bottom-10, fmt.Sprintf("max %d", most))
	d.WriteString("</g>\n")
}

package gantt_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
	"github.com/openova-io/provflow/service/timeline/gantt"
)

// element is a piece of a picture, with the text in it.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

func (e element) number(t testing.TB, attr string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(e.attrs[attr], 64)
	if err != nil {
		t.Fatalf("%s of %+v: %v", attr, e, err)
	}
	return n
}

func parse(t testing.TB, svg []byte) (all []element) {
	t.Helper()
	var open []int
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%.2000s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(token)
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

func find(all []element, name, class string) (found []element) {
	for _, e := range all {
		if e.name == name && slices.Contains(strings.Fields(e.attrs["class"]), class) {
			found = append(found, e)
		}
	}
	return found
}

// harmless wants a picture that runs nothing, loads nothing, and holds nothing it should not.
func harmless(t testing.TB, svg []byte) []element {
	t.Helper()
	all := parse(t, svg)
	for _, e := range all {
		if !slices.Contains(strings.Fields("svg title desc style defs clipPath g rect path text"), e.name) {
			t.Errorf("there is a %s", e.name)
		}
		for a, v := range e.attrs {
			if strings.HasPrefix(a, "on") || strings.Contains(a, "href") || strings.Contains(v, "url(") && v != "url(#labels)" {
				t.Errorf("%s has %s=%q", e.name, a, v)
			}
		}
	}
	if len(find(all, "svg", "")) > 0 || all[0].attrs["role"] != "img" || all[1].name != "title" || all[1].text == "" {
		t.Errorf("it begins with %+v", all[:2])
	}
	return all
}

func TestTextIsText(t *testing.T) {
	t.Parallel()
	tl, now := sample(8, 1, false)
	evil := `"><script>alert(1)</script>]]>&<a href="x">` + "\x1b[31m\u202e\ufffe" + strings.Repeat("W", 400)
	tl.Provision.FlowID = evil
	for i := range tl.Rows {
		tl.Rows[i].Label, tl.Rows[i].Phase, tl.Rows[i].Wait.Blocker = evil, evil, evil
	}
	svg := gantt.SVG(tl, now)
	all := harmless(t, svg)
	if s := string(svg); strings.Contains(s, "<script") || strings.ContainsAny(s, "\x1b\u202e") {
		t.Errorf("%.2000s", svg)
	}
	for _, e := range find(all, "text", "label") {
		if n := len([]rune(e.text)); n > 36 {
			t.Errorf("a label of %d letters: %s", n, e.text)
		}
	}
	title, key := find(all, "text", "title")[0], find(all, "rect", "bar")[4] // the leftmost one of the legend
	if end := title.number(t, "x") + 13.5*float64(len([]rune(title.text))); end > key.number(t, "x") {
		t.Errorf("a title that ends at %.0f", end)
	}
}

// A failure is seen however soon the next attempt begins.
func TestAFailureIsMarkedOverTheNextAttempt(t *testing.T) {
	t.Parallel()
	all := parse(t, gantt.SVG(small(), at(480)))
	cross := slices.IndexFunc(all, func(e element) bool { return e.attrs["class"] == "cross" })
	again := slices.IndexFunc(all, func(e element) bool { return e.attrs["class"] == "bar running critical" })
	if again < 0 || cross < again {
		t.Errorf("the failure is element %d, the attempt after it %d", cross, again)
	}
}

// room is about how wide a text is drawn, and rather more than less.
func room(e element) float64 {
	wide := 6.7
	if slices.ContainsFunc([]string{"strong", "band"}, func(c string) bool { return strings.Contains(e.attrs["class"], c) }) {
		wide = 7.3
	}
	return wide * float64(len([]rune(e.text)))
}

// No text lies over another, and none over a bar; every bar is within the axis.
func TestNothingLiesOverAnother(t *testing.T) {
	t.Parallel()
	for name, s := range map[string][2]int{"60": {60, 1}, "60 in 3 regions": {60, 3}, "600": {600, 1}, "600 in 10 regions": {600, 10}} {
		for _, running := range []bool{false, true} {
			tl, now := sample(s[0], s[1], running)
			all := harmless(t, gantt.SVG(tl, now))
			rows := map[string][]element{}
			for _, e := range slices.Concat(find(all, "text", "label"), find(all, "text", "band")) {
				y := e.attrs["y"]
				rows[y] = append(rows[y], e)
				if end := e.number(t, "x") + room(e); end > 284 {
					t.Errorf("%s: %q ends at %.0f", name, e.text, end)
				}
			}
			last := -100.0
			for _, e := range slices.Concat(find(all, "text", "label")) {
				if y := e.number(t, "y"); y-last < 14 {
					t.Errorf("%s: %q is %.0f below the label before it", name, e.text, y-last)
				} else {
					last = y
				}
			}
			for y, texts := range rows {
				if len(texts) > 1 {
					t.Errorf("%s: %d labels at %s", name, len(texts), y)
				}
			}
			for _, e := range find(all, "rect", "bar") {
				x, wide := e.number(t, "x"), e.number(t, "width")
				if legend := e.number(t, "y") < 40; !legend && (x < 284 || x+wide > 1096+2.6 || wide <= 0) {
					t.Errorf("%s: a bar from %.1f, %.1f wide", name, x, wide)
				}
			}
		}
	}
}

func TestManyJobsAreFolded(t *testing.T) {
	t.Parallel()
	few, now := sample(60, 1, false)
	many, later := sample(600, 10, false)
	drawn, all := find(parse(t, gantt.SVG(few, now)), "text", "label"), parse(t, gantt.SVG(many, later))
	if len(drawn) != 60 {
		t.Errorf("%d of 60 labels", len(drawn))
	}
	shown, together := 0, 0
	for _, e := range find(all, "text", "label") {
		if n, ok := strings.CutSuffix(e.text, " others"); ok {
			more, _ := strconv.Atoi(n)
			together += more
		} else {
			shown++
		}
	}
	if shown > 150 || shown+together != 595 || len(find(all, "path", "load")) != 10 {
		t.Errorf("%d shown, %d together", shown, together)
	}
	if n := len(find(all, "path", "mark")); n < 15 {
		t.Errorf("%d of the critical path are left", n)
	}
}

func TestTheMomentIsDrawnWhileItRuns(t *testing.T) {
	t.Parallel()
	running, now := sample(12, 1, true)
	all := parse(t, gantt.SVG(running, now))
	if len(find(all, "path", "now")) != 1 {
		t.Error("there is no now")
	}
	for _, e := range find(all, "rect", "running")[1:] { // the first is the legend's
		if end := e.number(t, "x") + e.number(t, "width"); end < 1095.9 {
			t.Errorf("an open bar ends at %.1f", end)
		}
	}
	over, now := sample(12, 1, false)
	if len(find(parse(t, gantt.SVG(over, now.Add(time.Hour))), "path", "now")) != 0 {
		t.Error("it goes on after its end")
	}
}

func TestWhatHasNotBegunAndWhatIsNoPartOfIt(t *testing.T) {
	t.Parallel()
	empty := timeline.Timeline{Provision: timeline.Provision{FlowID: "d1", Outcome: flow.Pending}}
	if svg := gantt.SVG(empty, noon); !strings.Contains(string(svg), "Nothing has begun yet.") {
		t.Errorf("%.2000s", svg)
	}
	tl, now := sample(8, 1, false)
	before := len(find(parse(t, gantt.SVG(tl, now)), "rect", "bar"))
	upgrade := attempt("install-cilium", flow.GroupBootstrapKit, "", 2, flow.Succeeded, 90*24*3600, 0, 60)
	upgrade.Later = true
	tl.Rows = append(tl.Rows, upgrade)
	svg := gantt.SVG(tl, at(90*24*3600))
	if after := len(find(parse(t, svg), "rect", "bar")); after != before || !strings.Contains(string(svg), "1 later attempt not drawn") {
		t.Errorf("%d bars, were %d", after, before)
	}
}

// timelines are of every kind, those with clocks that differ among them.
func timelines() *rapid.Generator[timeline.Timeline] {
	return rapid.Custom(func(t *rapid.T) timeline.Timeline {
		tl := timeline.Timeline{Provision: timeline.Provision{FlowID: rapid.String().Draw(t, "flow"), Outcome: flow.Running}}
		for i := range rapid.IntRange(0, 130).Draw(t, "rows") {
			status := rapid.SampledFrom([]flow.Status{flow.Pending, flow.Running, flow.Succeeded, flow.Failed}).Draw(t, "status")
			r := attempt("job-"+strconv.Itoa(i%90), "phase-"+strconv.Itoa(i%3), "", i/90+1, status,
				rapid.IntRange(-100, 5000).Draw(t, "from"), rapid.IntRange(-50, 900).Draw(t, "waited"), rapid.IntRange(0, 900).Draw(t, "ran"))
			r.Label, r.PathStep = rapid.String().Draw(t, "label"), rapid.IntRange(0, 9).Draw(t, "step")
			if status == flow.Pending {
				r.StartedAt, r.EndedAt, r.Attempt = time.Time{}, time.Time{}, 0
			}
			tl.Rows = append(tl.Rows, r)
		}
		if rapid.Bool().Draw(t, "begun") {
			tl.Provision.StartedAt = noon
		}
		return tl
	})
}

func TestAnyTimelineIsAPicture(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tl := timelines().Draw(rt, "timeline")
		svg := gantt.SVG(tl, at(4000))
		harmless(t, svg)
		if s := string(svg); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Contains(s, `width="-`) {
			rt.Errorf("%.2000s", s)
		}
		if !bytes.Equal(svg, gantt.SVG(tl, at(4000))) {
			rt.Error("drawn twice, it differs")
		}
	})
}

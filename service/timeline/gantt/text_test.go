package gantt_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
	"github.com/openova-io/provflow/service/timeline/gantt"
)

// small is two steps and three installs: one fails and is tried again, one waits for it.
func small() timeline.Timeline {
	step := attempt("tofu-apply", flow.GroupProvisioner, "", 1, flow.Succeeded, 0, 0, 240)
	step.Critical, step.PathStep, step.PathRan = true, 1, 4*time.Minute
	fails := attempt("install-keycloak", flow.GroupBootstrapKit, "", 1, flow.Failed, 240, 0, 120)
	again := attempt("install-keycloak", flow.GroupBootstrapKit, "", 2, flow.Running, 390, 30, 90)
	fails.Critical, fails.PathStep, fails.PathRan = true, 2, 2*time.Minute
	again.Critical, again.PathStep, again.PathRan, again.PathIdle = true, 3, 90*time.Second, 30*time.Second
	other := attempt("install-loki", flow.GroupBootstrapKit, "", 1, flow.Succeeded, 300, 60, 60)
	waits := attempt("install-gitea", flow.GroupBootstrapKit, "", 0, flow.Pending, 0, -240, 0)
	waits.StartedAt, waits.EndedAt = time.Time{}, time.Time{}
	return timeline.Timeline{
		Provision: timeline.Provision{
			FlowID: "d1", Outcome: flow.Running, StartedAt: noon, Retries: 1, Jobs: timeline.Tally{All: 4, Running: 1, Pending: 1, Succeeded: 2},
		},
		Rows: []timeline.Row{step, fails, other, again, waits},
	}
}

func TestATerminalsTimeline(t *testing.T) {
	t.Parallel()
	got := gantt.Text(small(), at(480), gantt.Paper{Width: 72, ASCII: true})
	want := `d1
running for 8m 00s, began 2026-04-01 12:00:00 UTC,
4 jobs, 1 running, 1 waiting, 1 retry
                   0                        5m
Provision -------------------------------------------------------- 1 job
* Terraform Apply  #####################                         4m 00s
Bootstrap --------------------------------- 3 jobs, 1 running, 1 waiting
* install-keycloak                     ##########x.#######> x2   3m 30s
  install-loki                         .....======               1m 00s
  install-gitea                        ....................           -

* Critical path: 7m 30s ran and 30s idle, in 3 attempts
  Terraform Apply -> install-keycloak
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Whatever the labels are, no line is wider than the paper; colours change nothing else.
func TestLinesFitThePaper(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tl := timelines().Draw(rt, "timeline")
		p := gantt.Paper{Width: rapid.IntRange(1, 220).Draw(rt, "width"), ASCII: rapid.Bool().Draw(rt, "ascii")}
		text := gantt.Text(tl, at(4000), p)
		for _, line := range strings.Split(text, "\n") {
			if w := uniseg.StringWidth(line); w > max(p.Width, 60) {
				rt.Errorf("%d cells of %d: %q", w, p.Width, line)
			}
			if p.ASCII && strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r < ' ' }) {
				rt.Errorf("not ASCII: %q", line)
			}
		}
		p.Colour = true
		if coloured := gantt.Text(tl, at(4000), p); escapes.ReplaceAllString(coloured, "") != text {
			rt.Error("colours change more than the colour")
		}
	})
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Microsecond: "<1ms", 250 * time.Millisecond: "250ms", 3400 * time.Millisecond: "3.4s", 9990 * time.Millisecond: "10s",
		59*time.Second + 700*time.Millisecond: "1m 00s", 200 * time.Second: "3m 20s", time.Hour - time.Millisecond: "1h 00m",
		62 * time.Minute: "1h 02m", 25*time.Hour + time.Minute: "1d 01h", -90 * time.Second: "-1m 30s",
	} {
		if got := gantt.Duration(d); got != want {
			t.Errorf("%v is %q, want %q", int64(d), got, want)
		}
	}
}

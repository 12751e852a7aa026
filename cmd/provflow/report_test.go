package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
)

// reported is what `provflow report` says of a server, without a terminal.
func reported(t *testing.T, r *replica, env []string, args ...string) outcome {
	t.Helper()
	env = append([]string{"PROVFLOW_SERVER=" + r.url, "LC_ALL=C.UTF-8", "COLUMNS=90"}, env...)
	return run(t, env, append([]string{"report"}, args...)...)
}

// lines wants the output to have exactly these lines, one after another, somewhere in it.
func (o outcome) lines(t *testing.T, want string) {
	t.Helper()
	if o.code != 0 || !strings.Contains(o.text, want) {
		t.Errorf("%s\nwanted\n%s", o, want)
	}
}

func TestReportTimeline(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", kitRun(0)...)
	o := reported(t, r, nil, "timeline", "d1")
	o.lines(t, "succeeded, took 5m 00s · began 2026-04-01 12:00:00 UTC · 7 jobs · 1 retry\n")
	o.lines(t, "◆ install-keycloak                        ······██████████✗··█████████        ×2   1m 30s\n")
	o.lines(t, "  install-loki                            ·······▒▒▒▒▒▒▒▒▒▒                           50s\n")
	if strings.Contains(o.text, "\x1b") {
		t.Error("colours without a terminal")
	}
	for name, how := range map[string][]string{"a flag": {"--ascii"}, "the locale": nil} {
		env := []string{}
		if how == nil {
			env = append(env, "LC_ALL=POSIX")
		}
		o := reported(t, r, env, append([]string{"timeline", "d1", "--width", "60"}, how...)...)
		if o.code != 0 || strings.ContainsFunc(o.text, func(r rune) bool { return r > '~' }) || !strings.Contains(o.text, "* install-keycloak") {
			t.Errorf("ASCII by %s: %s", name, o)
		}
	}
	file := filepath.Join(t.TempDir(), "d1.svg")
	reported(t, r, nil, "timeline", "d1", "--svg", file).want(t, 0, file+": the timeline of d1")
	if svg, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(svg), "<svg") {
		t.Errorf("%.200s, %v", svg, err)
	}
}

func TestReportFleet(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	window := []string{"--from", "2026-04-01", "--to", "2026-05-01"}
	reported(t, r, nil, append([]string{"fleet"}, window...)...).want(t, 0,
		"No provision began from 2026-04-01 00:00 to 2026-05-01 00:00; --from and --to look elsewhere.")
	reported(t, r, nil, append([]string{"components"}, window...)...).want(t, 0, "No attempt at a component began")
	fleet(t, func(id string, lines ...string) { r.post(id, lines...) })
	o := reported(t, r, []string{"COLUMNS=160"}, append([]string{"fleet", "--limit", "4"}, window...)...)
	o.lines(t, "FLOW  OUTCOME    BEGAN                 TOOK  PATH RAN  PATH IDLE  JOBS  FAILED  RETRIES  FIRST FAILURE\nb-1   succeeded  2026-04-02 08:00    5m 00s")
	o.lines(t, "\na-2   failed     2026-04-01 14:00    3m 25s")
	o.lines(t, "These are the latest 4; --limit shows more, --from and --to others.\n")
	if strings.Contains(o.text, "a-0") {
		t.Errorf("more than asked for: %s", o)
	}
	reported(t, r, nil, append([]string{"fleet", "--outcome", "failed"}, window...)...).lines(t, "a-2:install-keycloak\n")
	components := reported(t, r, []string{"COLUMNS=160"}, append([]string{"components"}, window...)...)
	components.lines(t, "COMPONENT          FLOWS  RUNS  FAILED  RETRIED  WAITED P50")
	components.lines(t, "loki                   5     5       0        0         34s")
	for _, report := range []string{"fleet", "components"} {
		narrow := reported(t, r, []string{"COLUMNS=72"}, append([]string{report}, window...)...)
		narrow.lines(t, "\nLeft out, for want of room: ")
		for line := range strings.Lines(narrow.text) {
			if uniseg.StringWidth(line) > 72 {
				t.Errorf("%s has a line that is too wide: %s", report, line)
			}
		}
	}
}

func TestReportCompare(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("a", kitRun(0)...)
	r.post("b", kitRun(7200)[:15]...)
	r.post("b", component(7200+380, "gitea", "installed"))
	o := reported(t, r, nil, "compare", "a", "b")
	o.lines(t, "A  a: succeeded, took 5m 00s\nB  b: succeeded, took 6m 20s\n\n"+
		"JOB            CHANGE  RAN IN A  RAN IN B     MORE  ATTEMPTS  CRITICAL PATH\n"+
		"install-gitea  slower       40s    2m 00s  +1m 20s         1  in both\n")
	reported(t, r, nil, "compare", "a", "a").want(t, 0, "No job differs.")
}

// What goes wrong is said in the server's words, with what to do.
func TestReportsThatFail(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	reported(t, g.replica, nil, "timeline", "x").want(t, 1, "401", "send `Authorization: Bearer TOKEN`")
	token, _ := g.token("", access.Read)
	as := []string{"PROVFLOW_TOKEN=" + token}
	reported(t, g.replica, as, "timeline", "x").want(t, 1, "404", `there is no flow "x"`)
	reported(t, g.replica, as, "compare", "x", "y").want(t, 1, `there is no flow "x"`)
	reported(t, g.replica, as, "fleet", "--from", "2020-01-01").want(t, 1, "366 days")
	reported(t, g.replica, as, "fleet", "--outcome", "fine").want(t, 1, "use pending, running, succeeded or failed")
	run(t, []string{"PROVFLOW_SERVER=http://127.0.0.1:1"}, "report", "fleet").want(t, 1, "is it running?", "--server")
}

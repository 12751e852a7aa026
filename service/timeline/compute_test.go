package timeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
)

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

func minutes(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

// play makes a flow of lines: "a 0-3 5-9" is a job with an attempt that failed after three
// minutes and another that went well, "b 4-" one that runs, "c -" one that waits, "d 2-4!"
// one that failed; "a>b" lets b come after a, "a<g" puts a into the group g; "a:fsn1" in
// place of a names a region.
func play(lines ...string) timeline.Input {
	in := timeline.Input{Flow: flow.Flow{ID: "f", Status: flow.Pending}, Known: map[string]time.Time{}}
	graph := flow.NewGraph("f")
	for _, line := range lines {
		for _, typ := range []struct {
			sep  string
			kind flow.RelationshipType
		}{{">", flow.FinishToStart}, {"<", flow.Contains}} {
			if from, to, found := strings.Cut(line, typ.sep); found {
				if _, known := graph.Job(to); typ.kind == flow.Contains && !known {
					graph.PutJob(flow.Job{ID: to, Name: to, Type: flow.TypeGroup, Source: flow.SourceBridge, Status: flow.Pending})
				}
				graph.Relate(flow.Relationship{RelationshipKey: flow.RelationshipKey{FromID: from, ToID: to, Type: typ.kind}})
			}
		}
		if fields := strings.Fields(line); len(fields) > 1 {
			graph.PutJob(job(&in, fields[0], fields[1:]))
		}
	}
	c := graph.Settle()
	in.Jobs, in.Relationships = c.Jobs, c.Relationships
	if c.Flow != nil {
		in.Flow = *c.Flow
	}
	return in
}

func job(in *timeline.Input, name string, attempts []string) flow.Job {
	name, region, _ := strings.Cut(name, ":")
	j := flow.Job{ID: name, Name: name, Region: region, Type: flow.TypeInstall, Source: flow.SourceBridge, Status: flow.Pending}
	for i, a := range attempts {
		var from, to int
		if n, _ := fmt.Sscanf(a, "%d-%d", &from, &to); n == 0 {
			break
		}
		x := flow.Execution{ID: flow.ExecutionID(name, i+1), JobID: name, Attempt: i + 1, Status: flow.Succeeded, StartedAt: minutes(from), FinishedAt: minutes(to)}
		switch {
		case strings.HasSuffix(a, "-"):
			x.Status, x.FinishedAt = flow.Running, time.Time{}
		case strings.HasSuffix(a, "!"):
			x.Status = flow.Failed
		}
		in.Executions = append(in.Executions, x)
		if i == 0 || j.Status == flow.Succeeded { // as the bridge has it: what comes after success begins anew
			j.StartedAt = x.StartedAt
		}
		j.Status, j.FinishedAt, j.Attempt = x.Status, x.FinishedAt, x.Attempt
	}
	return j
}

// tell writes a timeline in short: job#attempt, waited=blocked+idle by whom, ran, slack.
func tell(t timeline.Timeline) (lines []string) {
	for _, r := range t.Rows {
		line := fmt.Sprintf("%s#%d waited %s by %s", r.JobID, r.Attempt, short(r.Wait.Blocked)+"+"+short(r.Wait.Idle), r.Wait.Blocker)
		if r.Attempt > 0 {
			line += " ran " + short(r.Ran)
		}
		if r.SlackKnown {
			line += " slack " + short(r.Slack)
		}
		if r.PathStep > 0 {
			line += fmt.Sprintf(" step %d", r.PathStep)
		}
		if r.Later {
			line += " later"
		}
		lines = append(lines, line)
	}
	return lines
}

func short(d time.Duration) string { return fmt.Sprintf("%g", d.Minutes()) }

func TestTimelinesComputedByHand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flow  []string
		now   int
		want  []string
		path  string // ran+idle
		whole string // how long the provision took
	}{
		{"nothing", nil, 9, nil, "0+0", "0"},
		{"one job", []string{"a 2-5"}, 9, []string{"a#1 waited 0+0 by  ran 3 slack 0 step 1"}, "3+0", "3"},
		{"two after another, the second late", []string{"a 0-3", "b 5-9", "a>b"}, 99, []string{
			"a#1 waited 0+0 by  ran 3 slack 0 step 1",
			"b#1 waited 3+2 by a ran 4 slack 0 step 2",
		}, "7+2", "9"},
		{"a diamond", []string{"a 0-2", "b 2-3", "c 2-6", "d 6-7", "a>b", "a>c", "b>d", "c>d"}, 99, []string{
			"a#1 waited 0+0 by  ran 2 slack 0 step 1",
			"b#1 waited 2+0 by a ran 1 slack 3",
			"c#1 waited 2+0 by a ran 4 slack 0 step 2",
			"d#1 waited 6+0 by c ran 1 slack 0 step 3",
		}, "7+0", "7"},
		{"a retry", []string{"a 0-3! 4-6", "b 6-7", "a>b"}, 99, []string{
			"a#1 waited 0+0 by  ran 3 slack 0 step 1",
			"a#2 waited 0+1 by a ran 2 slack 0 step 2",
			"b#1 waited 6+0 by a ran 1 slack 0 step 3",
		}, "6+1", "7"},
		{"it goes on", []string{"a 0-2", "b 2-", "c -", "d 2-3", "a>b", "b>c", "a>d"}, 8, []string{
			"a#1 waited 0+0 by  ran 2 slack 0 step 1",
			"d#1 waited 2+0 by a ran 1 slack 5",
			"b#1 waited 2+0 by a ran 6 slack 0 step 2",
			"c#0 waited 8+0 by ",
		}, "8+0", "8"},
		{"one never finished, the rest did", []string{"a 0-2!", "b -", "a>b"}, 8, []string{
			"a#1 waited 0+0 by  ran 2 slack 0 step 1",
			"b#0 waited 8+0 by ",
		}, "2+0", "8"},
		{"groups one after another", []string{"a 0-2", "b 0-3", "c 4-5", "a<g", "b<g", "c<h", "g>h"}, 99, []string{
			"a#1 waited 0+0 by  ran 2 slack 1",
			"b#1 waited 0+0 by  ran 3 slack 0 step 1",
			"c#1 waited 3+1 by b ran 1 slack 0 step 2",
		}, "4+1", "5"},
		{"regions side by side", []string{"a:hel1 0-2", "b:fsn1 0-1", "c:hel1 2-4", "d:fsn1 1-7", "a>c", "b>d"}, 99, []string{
			"b#1 waited 0+0 by  ran 1 slack 0 step 1",
			"a#1 waited 0+0 by  ran 2 slack 3",
			"d#1 waited 1+0 by b ran 6 slack 0 step 2",
			"c#1 waited 2+0 by a ran 2 slack 3",
		}, "7+0", "7"},
		{"clocks that differ", []string{"a 0-5", "b 4-6", "c 6-3", "a>b", "b>c"}, 99, []string{
			"a#1 waited 0+0 by  ran 5 slack 0 step 1",
			"b#1 waited 4+0 by a ran 2 slack 0 step 2",
			"c#1 waited 6+0 by b ran 0 slack 0",
		}, "6+0", "6"},
		{"an upgrade", []string{"a 0-2 60-65", "b 2-3", "a>b"}, 99, []string{
			"a#1 waited 0+0 by  ran 2 slack 0 step 1",
			"b#1 waited 2+0 by a ran 1 slack 0 step 2",
			"a#2 waited 0+0 by  ran 5 later",
		}, "3+0", "3"},
		{"all of it once more", []string{"a 0-2 2-12", "b 3-5 13-19", "a>b"}, 99, []string{
			"a#1 waited 0+0 by  ran 2 slack 0 step 1",
			"a#2 waited 0+0 by  ran 10 later",
			"b#1 waited 2+1 by a ran 2 slack 0 step 2",
			"b#2 waited 0+0 by  ran 6 later",
		}, "4+1", "5"},
		{"two that wait for each other through a group", []string{"a 0-2", "b 3-4", "a<g", "g>b", "b>a"}, 99, []string{
			"a#1 waited 0+0 by  ran 2 slack 0 step 1",
			"b#1 waited 2+1 by a ran 1 slack 0 step 2",
		}, "3+1", "4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := timeline.Compute(play(tt.flow...), minutes(tt.now))
			if lines := tell(got); !slices.Equal(lines, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(tt.want, "\n"))
			}
			p := got.Provision
			if path, whole := short(p.PathRan)+"+"+short(p.PathIdle), short(p.Took); path != tt.path || whole != tt.whole {
				t.Errorf("path %s, took %s; want %s, %s", path, whole, tt.path, tt.whole)
			}
		})
	}
}

func TestAProvisionIsWhatItsTimelineAddsUpTo(t *testing.T) {
	t.Parallel()
	in := play("a 0-2", "b 2-3! 4-6", "c 2-5!", "a<provisioner", "b<bootstrap-kit", "c<bootstrap-kit", "provisioner>bootstrap-kit")
	got := timeline.Compute(in, minutes(99)).Provision
	if got.Outcome != flow.Failed || got.Attempts != 4 || got.Retries != 1 || got.Jobs != (timeline.Tally{All: 3, Succeeded: 2, Failed: 1}) ||
		got.FirstFailure != (timeline.Failure{JobID: "b", Attempt: 1, At: minutes(3)}) || !got.ProvisionedAt.Equal(minutes(6)) ||
		got.PhaseTook["provisioner"] != 2*time.Minute || got.PhaseTook["bootstrap-kit"] != 4*time.Minute || len(got.PhaseTook) != 2 {
		t.Errorf("got %+v", got)
	}
}

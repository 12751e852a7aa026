package tofu_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

var update = flag.Bool("update", false, "write the golden files anew")

// messages reads a stream of testdata.
func messages(t testing.TB, name string) (all []tofu.Message) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		all = append(all, tofu.Decode(lines.Bytes()))
	}
	return all
}

// plan reads a plan of testdata.
func plan(t testing.TB, name string) tofu.Plan {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	p, err := tofu.ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// record maps a whole stream, from its first time to its last.
func record(m *tofu.Mapper, all []tofu.Message) []tofu.Event {
	events := m.Begin(all[0].At, "tofu")
	for _, msg := range all {
		events = append(events, m.Message(msg, time.Now())...)
	}
	ok, how := m.Broken()
	return append(events, m.End(m.Last(), ok, how)...)
}

// apply hands events to the bridge as the server does, and gives what they left behind.
func apply(t testing.TB, g *flow.Graph, events []tofu.Event) (lines []flow.LogLine) {
	t.Helper()
	prints, seen := bridge.NewFingerprints(""), map[flow.Fingerprint]bool{}
	for _, wire := range events {
		text, err := json.Marshal(wire)
		if err != nil {
			t.Fatal(err)
		}
		e, err := bridge.ParseEvent(text, time.Now())
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if p := prints.Of(e); seen[p] {
			t.Errorf("sent twice: %s", text)
		} else {
			seen[p] = true
		}
		l := bridge.NewLedger(g, flow.Deployment{}, e.Time)
		e.Apply(l)
		lines = append(lines, l.Changes().Lines...)
	}
	return lines
}

// describe writes down a flow's jobs, and each execution's number of lines.
func describe(t testing.TB, g *flow.Graph, lines []flow.LogLine) string {
	t.Helper()
	count := map[string]int{}
	for _, l := range lines {
		count[l.ExecutionID]++
	}
	var b strings.Builder
	stamp := func(at time.Time) string {
		if at.IsZero() {
			return "-"
		}
		return at.Format("15:04:05.000000")
	}
	show := func(id string) {
		j, _ := g.Job(id)
		fmt.Fprintf(&b, "%s %s %s %s %s to %s, attempt %d, %d lines\n", id, j.Status, j.State, j.Action,
			stamp(j.StartedAt), stamp(j.FinishedAt), j.Attempt, count[j.ExecutionID])
		if j.Reason != "" {
			fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(j.Reason, "\n", "\n  "))
		}
	}
	fmt.Fprintf(&b, "flow %s %s to %s\n", g.Flow().Status, stamp(g.Flow().StartedAt), stamp(g.Flow().EndedAt))
	for _, step := range g.Contained("d1:provisioner") {
		show(step)
		for _, id := range g.Contained(step) {
			show(id)
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s, got:\n%s\nwant:\n%s", path, got, want)
	}
}

// Real streams become the jobs, statuses and times that are in them.
func TestRealStreams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ stream, step string }{
		{"plan", flow.StepPlan}, {"apply", flow.StepApply}, {"apply-fail", flow.StepApply}, {"apply-noop", flow.StepApply},
	} {
		t.Run(tt.stream, func(t *testing.T) {
			t.Parallel()
			all := messages(t, tt.stream+".jsonl")
			g := flow.NewGraph("d1")
			lines := apply(t, g, record(tofu.NewMapper(tt.step, tofu.NewSecrets(nil)), all))
			golden(t, tt.stream+".golden", describe(t, g, lines))
			screen := tofu.Screen{}
			var shown strings.Builder
			for _, m := range all {
				if text, ok := screen.Text(m); ok {
					shown.WriteString(text + "\n")
				}
			}
			golden(t, tt.stream+".screen", shown.String())
		})
	}
}

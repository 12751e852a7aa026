package bridge_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// The decoders of what others send. Each refuses with advice; what it accepts can be applied
// to a flow, and what comes of it is fit for the database. Seeds are in testdata/fuzz.

func FuzzParseEvent(f *testing.F) {
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := bridge.ParseEvent(line, noon)
		if refused(t, err) {
			return
		}
		ledger := bridge.NewLedger(flow.NewGraph("d1"), flow.Deployment{Regions: []string{"fsn1", "hel1"}}, noon)
		e.Apply(ledger)
		wantStorable(t, ledger.Changes())
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := bridge.ParseMessage(body, "f", "emitter:x")
		if refused(t, err) {
			return
		}
		g := flow.NewGraph("f")
		for round := range 2 {
			ledger := bridge.NewLedger(g, flow.Deployment{}, noon)
			m.Apply(ledger)
			c := ledger.Changes()
			wantStorable(t, c)
			if round == 1 && c.Moves() {
				t.Fatalf("%s again changed %+v", body, c)
			}
		}
	})
}

func FuzzParseArchiveRecord(f *testing.F) {
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := bridge.ParseArchiveRecord(line)
		if refused(t, err) {
			return
		}
		ledger := bridge.NewLedger(flow.NewGraph("d1"), flow.Deployment{}, noon)
		r.Apply(ledger)
		wantStorable(t, ledger.Changes())
		text, err := json.Marshal(r.ArchiveRecord)
		if err != nil {
			t.Fatal(err)
		}
		again, err := bridge.ParseArchiveRecord(text)
		if twice, _ := json.Marshal(again.ArchiveRecord); err != nil || string(twice) != string(text) {
			t.Fatalf("%s is written as %s, which reads as another record: %v", line, text, err)
		}
	})
}

func FuzzParseLegacy(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		index, err := bridge.ParseLegacy(body)
		if refused(t, err) {
			return
		}
		g := flow.NewGraph(index.DeploymentID)
		ledger := bridge.NewLedger(g, flow.Deployment{}, noon)
		index.Apply(ledger)
		wantStorable(t, ledger.Changes())
		before := statuses(g)
		ledger = bridge.NewLedger(g, flow.Deployment{}, noon)
		index.Apply(ledger)
		wantStorable(t, ledger.Changes())
		for id, status := range statuses(g) {
			if was, known := before[id]; !known || was.Terminal() && !status.Terminal() {
				t.Fatalf("%s again made %q %s, which was %q", body, id, status, was)
			}
		}
	})
}

func statuses(g *flow.Graph) map[string]flow.Status {
	all := map[string]flow.Status{}
	for _, id := range g.JobsOf(flow.SourceBridge) {
		if j, _ := g.Job(id); j.Type != flow.TypeGroup {
			all[id] = j.Status
		}
	}
	return all
}

// refused reports an error, which has to say what to do.
func refused(t *testing.T, err error) bool {
	t.Helper()
	var known *flow.Error
	if err != nil && (!errors.As(err, &known) || known.Code != flow.Invalid || known.Slug == "" || known.Detail == "") {
		t.Fatalf("an error without advice: %v", err)
	}
	return err != nil
}

// wantStorable holds changes to what the schema's named constraints ask.
func wantStorable(t *testing.T, c flow.Changes) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	escapes := strings.ReplaceAll(string(text), `\\`, "") // a backslash that is one is none
	if !utf8.Valid(text) || strings.Contains(escapes, `\u0000`) {
		t.Fatalf("text that the database refuses: %s", text)
	}
	bad := func(what string, v any) { t.Fatalf("%s: %+v", what, v) }
	for _, j := range c.Jobs {
		_, known := flow.ParseStatus(string(j.Status))
		leaf := j.Source == flow.SourceBridge && j.Type != flow.TypeGroup
		switch {
		case flow.CheckID("id", j.ID) != nil:
			bad("a job's id", j)
		case !known || j.Type != flow.TypeInstall && j.Type != flow.TypeGroup:
			bad("a job's status or type", j)
		case !j.FinishedAt.IsZero() && !j.Status.Terminal(), leaf && j.Status.Terminal() && j.FinishedAt.IsZero():
			bad("a job's end", j)
		case !j.StartedAt.IsZero() && j.StartedAt.Before(bridge.Earliest), !j.FinishedAt.IsZero() && j.FinishedAt.Before(bridge.Earliest):
			bad("a job's times, which clients take for seconds", j)
		case j.Status != flow.Pending && len(j.WaitingOn) > 0:
			bad("a job that waits", j)
		}
	}
	for _, r := range c.Relationships {
		if flow.CheckID("fromId", r.FromID) != nil || flow.CheckID("toId", r.ToID) != nil || r.FromID == r.ToID && r.FromFlowID == r.ToFlowID {
			bad("a relationship's ends", r)
		}
		if flow.CheckKey("", "d1", r.FromID, r.ToID) != nil {
			bad("a relationship's key", r)
		}
	}
	attempts := map[string]map[int]bool{}
	for _, x := range c.Executions {
		if attempts[x.JobID] == nil {
			attempts[x.JobID] = map[int]bool{}
		}
		switch {
		case flow.CheckID("id", x.ID) != nil || x.JobID == "" || x.Attempt < 1 || attempts[x.JobID][x.Attempt]:
			bad("an execution's id or attempt", x)
		case x.Status.Terminal() == x.FinishedAt.IsZero() || x.Status == flow.Pending || x.Status == "":
			bad("an execution's end", x)
		case x.Status.Terminal() && x.FinishedAt.Before(x.StartedAt):
			bad("an execution that goes backwards", x)
		}
		attempts[x.JobID][x.Attempt] = true
	}
	for _, tr := range c.Transitions {
		_, from := flow.ParseStatus(string(tr.From))
		_, to := flow.ParseStatus(string(tr.To))
		if !from || !to || tr.OccurredAt.IsZero() {
			bad("a transition", tr)
		}
	}
}

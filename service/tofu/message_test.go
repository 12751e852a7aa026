package tofu_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

func TestLinesThatAreNoMessages(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "panic: runtime error", "{", `{"no":"message"}`, `{"@message":7}`, "[1]", "null", "\x00\xff"} {
		if m := tofu.Decode([]byte(text + "\r\n")); m.Text != text || m.Type != "" || m.Level != "info" {
			t.Errorf("%q became %+v", text, m)
		}
	}
}

func TestAPartInAnUnknownFormCostsItselfOnly(t *testing.T) {
	t.Parallel()
	m := tofu.Decode([]byte(`{"@level":"trace","@message":"x","@timestamp":"no time","type":"apply_start","hook":[1],"outputs":"none","changes":{"add":"2"}}`))
	if m.Text != "x" || m.Type != "apply_start" || m.Level != "info" || m.Summary != nil || m.Outputs != nil || !m.At.IsZero() {
		t.Errorf("got %+v", m)
	}
}

func TestDiagnostics(t *testing.T) {
	t.Parallel()
	m := tofu.Decode([]byte(`{"@level":"warn","@message":"Warning: old","@timestamp":"2026-11-23T09:22:53Z","type":"diagnostic","diagnostic":{"severity":"warning",
		"summary":"old","detail":"Use the new one.\nSoon.","range":{"filename":"main.tf","start":{"line":7}},
		"snippet":{"context":"variable \"v\"","code":"a = b\nc = d","start_line":7,"values":[{"traversal":"var.v","statement":"is 1"}]}}}`))
	const want = `╷
│ Warning: old
│
│   on main.tf line 7, in variable "v":
│    7: a = b
│    8: c = d
│     │ var.v is 1
│
│ Use the new one.
│ Soon.
╵`
	if got, _ := (tofu.Screen{}).Text(m); got != want {
		t.Errorf("got\n%s", got)
	}
	if got, _ := (tofu.Screen{Paint: true}).Text(m); !strings.Contains(got, "\x1b[33m") {
		t.Errorf("without colour: %q", got)
	}
	if got := m.Diagnostic.Brief(); got != "Warning: old: Use the new one.\nSoon.\non main.tf line 7, in variable \"v\"" {
		t.Errorf("in brief: %q", got)
	}
}

// The first message says which tool it is; versions are compared by number.
func TestWhichToolSpeaks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]tofu.Maker{
		"OpenTofu 1.12.6-dev": {Tool: "OpenTofu", Major: 1, Minor: 12}, "Terraform 1.9.0": {Tool: "Terraform", Major: 1, Minor: 9}, "something else": {},
	} {
		got, ok := tofu.Message{Type: "version", Text: text}.Maker()
		if known := want != (tofu.Maker{}); ok != known || known && got != want {
			t.Errorf("%s is %+v, %v", text, got, ok)
		}
	}
	if _, ok := (tofu.Message{Text: "OpenTofu 1.12.6"}).Maker(); ok {
		t.Error("any line says it")
	}
	nine, ten := tofu.Maker{Major: 1, Minor: 9}, tofu.Maker{Major: 1, Minor: 10}
	if !nine.Before(ten) || ten.Before(nine) || ten.Before(ten) || (tofu.Maker{Major: 2}).Before(ten) {
		t.Error("versions are in another order")
	}
}

// Whatever the lines are, each becomes events that the bridge takes.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"apply.jsonl", "apply-fail.jsonl", "plan.jsonl"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("no JSON\n{\"@message\":\"x\",\"type\":\"apply_complete\",\"hook\":{\"resource\":{\"addr\":\"a.b\"},\"action\":\"nothing\"}}"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		m := tofu.NewMapper(flow.StepApply, tofu.NewSecrets([]string{"A_TOKEN=very-secret"}))
		now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
		g := flow.NewGraph("d1")
		for line := range strings.Lines(string(stream)) {
			msg := tofu.Decode([]byte(line))
			_, _ = tofu.Screen{Paint: true}.Text(msg)
			for _, e := range m.Message(msg, now) {
				text, _ := json.Marshal(e)
				read, err := bridge.ParseEvent(text, now)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				ledger := bridge.NewLedger(g, flow.Deployment{}, now)
				read.Apply(ledger)
				_ = ledger.Changes()
				if !utf8.ValidString(e.Message) || strings.Contains(string(text), "very-secret") || len(e.Message) > flow.MaxLine {
					t.Fatalf("unfit: %q", e.Message)
				}
			}
		}
	})
}

// What a destroy applies is a plan; the person asked for no apply.
func TestADestroyIsSummedUpAsOne(t *testing.T) {
	t.Parallel()
	sum := func(s tofu.Screen, operation string) string {
		text, _ := s.Text(tofu.Decode([]byte(`{"@message":"as it says","type":"change_summary","changes":{"remove":3,"operation":"` + operation + `"}}`)))
		return text
	}
	for operation, want := range map[string]string{"apply": "\nDestroy complete! Resources: 3 destroyed.", "plan": "\nas it says", "destroy": "\nas it says"} {
		if got := sum(tofu.Screen{Destroy: true}, operation); got != want {
			t.Errorf("%s: %q", operation, got)
		}
		if got := sum(tofu.Screen{}, operation); got != "\nas it says" {
			t.Errorf("an %s of no destroy: %q", operation, got)
		}
	}
}

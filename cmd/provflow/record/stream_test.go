package record

import (
	"os"
	"strings"
	"testing"
)

// streamOf records text that comes through standard input.
func (b *bench) streamOf(t *testing.T, text string) error {
	t.Helper()
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer feed.Close()
		_, _ = feed.WriteString(text)
	}()
	b.Stdin = in
	return Stream(t.Context(), b.Options, "-")
}

func TestTheStepOfAStream(t *testing.T) {
	t.Parallel()
	const (
		planned = `{"@message":"a.b: Plan to create","@timestamp":"2026-11-23T09:22:49.1Z","type":"planned_change","change":{"resource":{"addr":"a.b"},"action":"create"}}` + "\n"
		read    = `{"@message":"data.x.y: Reading","@timestamp":"2026-11-23T09:22:49.2Z","type":"apply_start","hook":{"resource":{"addr":"data.x.y"},"action":"read"}}` + "\n"
		starts  = `{"@message":"a.b: Creating","@timestamp":"2026-11-23T09:22:49.3Z","type":"apply_start","hook":{"resource":{"addr":"a.b"},"action":"create"}}` + "\n"
		plan    = `{"@message":"Plan: 1","@timestamp":"2026-11-23T09:22:49.4Z","type":"change_summary","changes":{"operation":"plan"}}` + "\n"
		applied = `{"@message":"Apply: 1","@timestamp":"2026-11-23T09:22:49.5Z","type":"change_summary","changes":{"operation":"apply"}}` + "\n"
		bad     = `{"@level":"error","@message":"Error: no","@timestamp":"2026-11-23T09:22:49.6Z","type":"diagnostic","diagnostic":{"severity":"error","summary":"no"}}` + "\n"
	)
	tests := []struct{ name, stream, step, named, end string }{
		{"a plan", planned + read + plan, "tofu-plan", "", `"message":"done","state":"succeeded"`},
		{"an apply", planned + starts + applied, "tofu-apply", "", `"message":"done","state":"succeeded"`},
		{"an apply of nothing", plan + applied, "tofu-apply", "", `"state":"succeeded"`},
		{"one that is named", planned + plan, "tofu-apply", "tofu-apply", `"message":"the stream ends in the middle","state":"failed"`},
		{"one that breaks off", planned + starts, "tofu-apply", "", `"message":"the stream ends in the middle","state":"failed"`},
		{"one with an error", planned + bad + plan, "tofu-plan", "", `"message":"failed: no","state":"failed"`},
		{"no last newline", strings.TrimSpace(planned + plan), "tofu-plan", "", `"state":"succeeded"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			b := newBench(t, f.URL, "")
			b.Step = tt.named
			if err := b.streamOf(t, tt.stream); err != nil {
				t.Fatal(err)
			}
			sent := f.lines()
			if first, last := sent[0], sent[len(sent)-1]; !strings.Contains(first, `09:22:49`) && tt.named == "" || !strings.Contains(first, `"phase":"`+tt.step+`"`) || !strings.Contains(last, tt.end) {
				t.Errorf("from %s to %s", first, last)
			}
		})
	}
}

func TestAnEmptyStreamIsNoStep(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	b := newBench(t, f.URL, "")
	if err := b.streamOf(t, ""); err != nil || len(f.lines()) > 0 {
		t.Errorf("%v, sent %q", err, f.lines())
	}
	b.Step = "tofu-destroy"
	if err := b.streamOf(t, ""); err == nil || !strings.Contains(err.Error(), "tofu-apply") {
		t.Errorf("an unknown step: %v", err)
	}
}

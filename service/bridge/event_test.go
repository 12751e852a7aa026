package bridge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

func TestParseEventNamesTheField(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, line, want string }{
		{"not JSON", `{"time":`, "not JSON"},
		{"not an object", `[1]`, "object"},
		{"no time", `{"phase":"tofu"}`, `"time" is missing`},
		{"no RFC 3339", `{"time":"yesterday","phase":"tofu"}`, `"time" "yesterday" is not RFC 3339`},
		{"seconds for a time", `{"time":1764000000,"phase":"tofu"}`, `"time" is a number`},
		{"too old", `{"time":"2001-09-09T01:46:39.999Z","phase":"tofu"}`, "is before 2001-09-09T01:46:40Z"},
		{"in the future", `{"time":"2026-04-01T13:00:00Z","phase":"tofu"}`, "in the future"},
		{"unknown phase", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-destroy"}`, `"phase" "tofu-destroy" is unknown`},
		{"unknown state", `{"time":"2026-04-01T12:00:00Z","phase":"component","component":"x","state":"ready"}`, `"state" "ready" is unknown`},
		{"unknown state of a step", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-plan","state":"installed"}`, `"state" "installed" is unknown for a step`},
		{"unknown level", `{"time":"2026-04-01T12:00:00Z","phase":"tofu","level":"fatal"}`, `"level" "fatal" is unknown`},
		{"no component", `{"time":"2026-04-01T12:00:00Z","phase":"component","state":"pending"}`, `"component" is missing`},
		{"no component's name", `{"time":"2026-04-01T12:00:00Z","phase":"component","component":"a:b","state":"pending"}`, `component "a:b"`},
		{"a bad region", `{"time":"2026-04-01T12:00:00Z","phase":"component","component":"a","region":"A B","state":"pending"}`, `region "A B"`},
		{"a blank dependency", `{"time":"2026-04-01T12:00:00Z","phase":"component","component":"a","dependsOn":[""],"state":"pending"}`, "dependsOn[0] is empty"},
		{"no address", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-resource","state":"planned"}`, "component is empty"},
		{"an address over two lines", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-resource","component":"a.b\nc"}`, "control character"},
		{"unknown state of a resource", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-resource","component":"a.b","state":"installed"}`, `"state" "installed" is unknown for a resource`},
		{"unknown action", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-resource","component":"a.b","action":"forget"}`, `"action" "forget" is unknown`},
		{"unknown step", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-resource","component":"a.b","step":"tofu"}`, `"step" "tofu" is unknown`},
		{"a blank address", `{"time":"2026-04-01T12:00:00Z","phase":"tofu-resource","component":"a.b","dependsOn":[""]}`, "dependsOn[0] is empty"},
		{"dependencies that are no list", `{"time":"2026-04-01T12:00:00Z","phase":"component","component":"a","dependsOn":"b","state":"pending"}`, `"dependsOn" is a string`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := bridge.ParseEvent([]byte(tt.line), noon)
			var known *flow.Error
			if !errors.As(err, &known) || known.Code != flow.Invalid || !strings.Contains(known.Detail, tt.want) {
				t.Errorf("got %v, want invalid: …%s…", err, tt.want)
			}
		})
	}
}

func TestParseEventCleansText(t *testing.T) {
	t.Parallel()
	line := `{"time":"2026-04-01T14:00:00.123456789+02:00","phase":"flux-bootstrap","message":"a\u0000` + "\x00" + `b` + "\xff" + `"}`
	e, err := bridge.ParseEvent([]byte(line), noon)
	if err != nil {
		t.Fatal(err)
	}
	want := bridge.Event{Time: noon.Add(123456 * time.Microsecond), Phase: flow.StepBootstrap, Level: "info", Message: "ab\uFFFD"}
	if e.Time != want.Time || e.Phase != want.Phase || e.Level != want.Level || e.Message != want.Message || e.DependsOn != nil {
		t.Errorf("got %+v", e)
	}
}

func TestFingerprints(t *testing.T) {
	t.Parallel()
	event := func(change func(*bridge.Event)) bridge.Event {
		e := bridge.Event{Time: noon, Phase: "component", Component: "x", State: "pending", Message: "m"}
		change(&e)
		return e
	}
	same := event(func(*bridge.Event) {})
	first, second := bridge.NewFingerprints(""), bridge.NewFingerprints("")
	a, b := first.Of(same), first.Of(same)
	if a == b {
		t.Error("the same event twice in one request is two events")
	}
	if second.Of(same) != a || second.Of(same) != b {
		t.Error("the same request again is the same events")
	}
	if bridge.NewFingerprints("key").Of(same) == a {
		t.Error("a request with a key is a write of its own")
	}
	for i, other := range []bridge.Event{
		event(func(e *bridge.Event) { e.Time = noon.Add(time.Microsecond) }),
		event(func(e *bridge.Event) { e.State = "failed" }),
		event(func(e *bridge.Event) { e.DependsOn = []string{} }),
		event(func(e *bridge.Event) { e.Component, e.State = "xp", "ending" }),
	} {
		if bridge.NewFingerprints("").Of(other) == a {
			t.Errorf("event %d is taken for another", i)
		}
	}
}

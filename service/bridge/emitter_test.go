package bridge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// say applies an emitter's message and gives what is to be stored of it.
func say(t *testing.T, g *flow.Graph, body string) flow.Changes {
	t.Helper()
	m, err := bridge.ParseMessage([]byte(body), "d1", "emitter:x")
	if err != nil {
		t.Fatal(err)
	}
	ledger := bridge.NewLedger(g, flow.Deployment{}, noon)
	m.Apply(ledger)
	return ledger.Changes()
}

// A message is state: sent again, it changes nothing, whatever it changed the first time.
func TestAGroupThatIsEmptiedTakesTheStatusItIsGivenWithThat(t *testing.T) {
	t.Parallel()
	g := flow.NewGraph("d1")
	say(t, g, `{"type":"snapshot","flow":{},"nodes":[{"id":"group"},{"id":"in"}],
		"relationships":[{"fromId":"in","toId":"group","type":"contains"}]}`)
	const emptied = `{"type":"snapshot","flow":{},"nodes":[{"id":"group","status":"succeeded"}],"relationships":[]}`
	say(t, g, emptied)
	if j, _ := g.Job("group"); j.Status != flow.Succeeded || j.Type != flow.TypeInstall {
		t.Errorf("it is a %s and %s", j.Type, j.Status)
	}
	if again := say(t, g, emptied); !again.Empty() {
		t.Errorf("sent again it changes %+v", again)
	}
}

func TestANodeOrEdgeNamedTwiceIsWhatIsSaidLast(t *testing.T) {
	t.Parallel()
	g := flow.NewGraph("d1")
	const nodes = `{"type":"upsert-nodes","nodes":[{"id":"a","label":"A","status":"running"},{"id":"b"},{"id":"a","status":"failed"}]}`
	const rels = `{"type":"upsert-rels","relationships":[{"fromId":"a","toId":"b","type":"triggers","lag":1},{"fromId":"a","toId":"b","type":"triggers","lag":2}]}`
	say(t, g, nodes)
	say(t, g, rels)
	if j, _ := g.Job("a"); j.Status != flow.Failed || j.DisplayName != "A" {
		t.Errorf("the node is %q and %s", j.DisplayName, j.Status)
	}
	if r, _ := g.Relationship(flow.RelationshipKey{FromID: "a", ToID: "b", Type: flow.Triggers}); r.LagSeconds != 2 {
		t.Errorf("the edge is %+v", r)
	}
	for _, again := range []string{nodes, rels} {
		if changes := say(t, g, again); !changes.Empty() {
			t.Errorf("sent again it changes %+v", changes)
		}
	}
}

func TestParseMessageNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"no object", `[]`, "not a JSON object"},
		{"no list", `{"type":"upsert-nodes","nodes":"a"}`, `"nodes"`},
		{"a time far too late", `{"type":"upsert-nodes","nodes":[{"id":"a","startedAt":1e300}]}`, "is 1e+300;"},
		{"a NUL in an id", "{\"type\":\"delete-nodes\",\"ids\":[\"a\x00b\"]}", "control character"},
		{"triggers that are no list", `{"type":"upsert-flow","flow":{"triggeredBy":"x"}}`, `"flow.triggeredBy" must be a list`},
		{"a NUL in a parent's id", `{"type":"upsert-flow","flow":{"parentFlowId":"a\u0000"}}`, "flow.parentFlowId \"a\\x00\" has a control character"},
		{"a long id of a definition", `{"type":"upsert-flow","flow":{"definitionId":"` + strings.Repeat("é", 513) + `"}}`, "flow.definitionId has more than 512"},
		{"triggered by nobody", `{"type":"upsert-flow","flow":{"triggeredBy":[{"when":"always"}]}}`, "flow.triggeredBy[0].flowId is empty"},
		{"triggered at an unknown time", `{"type":"upsert-flow","flow":{"triggeredBy":[{"flowId":"x","when":"soon"}]}}`, `"flow.triggeredBy[0].when" "soon" is unknown`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := bridge.ParseMessage([]byte(tt.body), "d1", "emitter:x")
			var known *flow.Error
			if !errors.As(err, &known) || known.Code != flow.Invalid || !strings.Contains(known.Detail, tt.want) {
				t.Errorf("got %v, want invalid: …%s…", err, tt.want)
			}
		})
	}
}

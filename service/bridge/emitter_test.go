package bridge_test

import (
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

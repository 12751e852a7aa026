package bridge_test

import (
	"errors"
	"testing"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// What is accepted can be applied and, applied again, changes nothing.
func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"type":"snapshot","flow":{"id":"f","status":"running","startedAt":1764000000000},"nodes":[{"id":"a","meta":{"x":1}}],"relationships":[{"fromId":"a","toId":"b","type":"contains"}]}`))
	f.Add([]byte(`{"type":"delete-rels","pairs":[{"fromId":"a","toId":"b","type":"contains"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := bridge.ParseMessage(body, "f", "emitter:x")
		if err != nil {
			var known *flow.Error
			if !errors.As(err, &known) || known.Detail == "" {
				t.Fatalf("an error without advice: %v", err)
			}
			return
		}
		g := flow.NewGraph("f")
		for round := range 2 {
			ledger := bridge.NewLedger(g, flow.Deployment{}, noon)
			m.Apply(ledger)
			if c := ledger.Changes(); round == 1 && c.Moves() {
				t.Fatalf("%s again changed %+v", body, c)
			}
		}
	})
}

func FuzzParseArchiveRecord(f *testing.F) {
	f.Add([]byte(`{"job":{"id":"a","status":"succeeded","finishedAt":"2026-04-01T12:00:00Z"}}`))
	f.Add([]byte(`{"cursor":{"jobId":"a","execution":{"id":"x","jobId":"a","attempt":1,"status":"running","startedAt":"2026-04-01T12:00:00Z"}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if r, err := bridge.ParseArchiveRecord(line); err == nil {
			ledger := bridge.NewLedger(flow.NewGraph("d1"), flow.Deployment{}, noon)
			r.Apply(ledger)
			ledger.Changes()
		}
	})
}

func FuzzParseLegacy(f *testing.F) {
	f.Add([]byte(`{"deploymentId":"d1","jobs":[{"id":"d1:install-x","batchId":"b","dependsOn":["y"],"status":"failed"}],"executions":[{"id":"e","jobId":"install-x"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if index, err := bridge.ParseLegacy(body); err == nil {
			ledger := bridge.NewLedger(flow.NewGraph(index.DeploymentID), flow.Deployment{}, noon)
			index.Apply(ledger)
			ledger.Changes()
		}
	})
}

package modeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// request is what a source sends in one go.
type request struct {
	items []record.Item
	keyed bool // it has its effect once, whatever happened since
	life  int  // in which it was acknowledged
}

func oneOf(t *rapid.T, label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(t, label)
}

func drawRequest(t *rapid.T, id string) request {
	if rapid.Bool().Draw(t, "events") {
		return drawEvents(t)
	}
	return drawMessage(t, id)
}

// drawEvents makes provisioner events, in an order that need not be that of their times.
func drawEvents(t *rapid.T) request {
	var lines []string
	for range rapid.IntRange(1, 4).Draw(t, "events") {
		b, _ := json.Marshal(drawEvent(t))
		lines = append(lines, string(b))
	}
	prints := bridge.NewFingerprints("")
	r := request{keyed: true}
	for _, line := range lines {
		e, err := bridge.ParseEvent([]byte(line), noon.Add(time.Hour))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		r.items = append(r.items, record.Item{Observation: e, Key: prints.Of(e), OfDeployment: true})
	}
	return r
}

func drawEvent(t *rapid.T) map[string]any {
	second := rapid.IntRange(0, 60).Draw(t, "second")
	e := map[string]any{"time": noon.Add(time.Duration(second) * time.Second), "message": oneOf(t, "message", "", "a", "b\x00")}
	switch oneOf(t, "about", "component", "component", "component", "step", "line") {
	case "step":
		e["phase"] = rapid.SampledFrom(flow.Steps).Draw(t, "step")
		e["level"] = oneOf(t, "level", "info", "info", "error")
	case "line":
		e["phase"], e["component"] = "component-log", oneOf(t, "component", "a", "b", "c")
	default:
		e["phase"], e["component"] = "component", oneOf(t, "component", "a", "b", "c", "d")
		e["state"] = oneOf(t, "state", "pending", "installing", "installed", "degraded", "failed")
		e["chartVersion"] = oneOf(t, "version", "", "1", "2")
		e["region"] = oneOf(t, "region", "", "", "hel1")
		if rapid.Bool().Draw(t, "depends") {
			e["dependsOn"] = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "e"}), 0, 2).Draw(t, "on")
		}
	}
	return e
}

// drawMessage makes one FlowMessage of one of two emitters, who also speak of each other's
// jobs and of the bridge's.
func drawMessage(t *rapid.T, id string) request {
	ids := []string{"a", "b", "c", id + ":install-a"}
	kind := oneOf(t, "type", flow.TypeUpsertNodes, flow.TypeUpsertNodes, flow.TypeUpsertRels, flow.TypeUpsertRels,
		flow.TypeDeleteNodes, flow.TypeDeleteRels, flow.TypeUpsertFlow, flow.TypeSnapshot)
	body, _ := json.Marshal(drawBody(t, kind, ids))
	m, err := bridge.ParseMessage(body, id, oneOf(t, "emitter", "emitter:x", "emitter:y"))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	r := request{items: []record.Item{{Observation: m}}, keyed: rapid.Bool().Draw(t, "keyed")}
	if r.keyed {
		copy(r.items[0].Key[:], fmt.Sprintf("%016d", rapid.IntRange(1, 1<<40).Draw(t, "key")))
	}
	return r
}

func drawBody(t *rapid.T, kind string, ids []string) map[string]any {
	body := map[string]any{"type": kind}
	if kind == flow.TypeUpsertFlow || kind == flow.TypeSnapshot {
		body["flow"] = map[string]any{"status": oneOf(t, "flow", "", "running", "succeeded")}
	}
	if kind == flow.TypeUpsertNodes || kind == flow.TypeSnapshot {
		body["nodes"] = some(nodes(ids), "id").Draw(t, "nodes")
	}
	if kind == flow.TypeUpsertRels || kind == flow.TypeSnapshot {
		body["relationships"] = some(relationships(ids), "fromId", "toId", "type").Draw(t, "relationships")
	}
	if kind == flow.TypeDeleteRels {
		body["pairs"] = some(relationships(ids), "fromId", "toId", "type").Draw(t, "pairs")
	}
	if kind == flow.TypeDeleteNodes {
		body["ids"] = rapid.SliceOfN(rapid.SampledFrom(ids), 0, 2).Draw(t, "ids")
	}
	return body
}

// some gives a few things that differ in those fields: what contradicts itself is no state.
func some(of *rapid.Generator[map[string]any], fields ...string) *rapid.Generator[[]map[string]any] {
	return rapid.SliceOfNDistinct(of, 0, 3, func(v map[string]any) (key string) {
		for _, f := range fields {
			key += fmt.Sprint(v[f], " ")
		}
		return key
	})
}

func nodes(ids []string) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		return map[string]any{
			"id": oneOf(t, "id", ids...), "label": oneOf(t, "label", "", "A"),
			"status": oneOf(t, "status", "", "pending", "running", "succeeded", "failed"),
		}
	})
}

func relationships(ids []string) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		from := rapid.IntRange(0, len(ids)-1).Draw(t, "from")
		to := (from + rapid.IntRange(1, len(ids)-1).Draw(t, "to")) % len(ids)
		return map[string]any{
			"fromId": ids[from], "toId": ids[to], "type": oneOf(t, "relation", "contains", "finish-to-start", "triggers"),
			"condition": oneOf(t, "condition", "", "always"), "toFlowId": oneOf(t, "toFlow", "", "", "", "elsewhere"),
		}
	})
}

// send has a request recorded by a replica, and sends it again where nobody knows what
// became of it.
func (w *world) send(r *replica, q request) error {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	for {
		_, err := r.recorder.Record(ctx, w.truth.id, q.items)
		if err == nil || flow.CodeOf(err) != flow.Unavailable || ctx.Err() != nil {
			return err
		}
	}
}

func (w *world) write(t *rapid.T, r *replica, q request) {
	t.Helper()
	if err := w.send(r, q); err != nil {
		t.Fatalf("recording: %v", err)
	}
	w.truth.observe()
	q.life = len(w.truth.lives) - 1
	w.sent = append(w.sent, q)
}

// writeTogether has requests recorded at once, through all replicas.
func (w *world) writeTogether(t *rapid.T, requests []request) {
	t.Helper()
	var work sync.WaitGroup
	failed := make([]error, len(requests))
	for i, q := range requests {
		work.Go(func() { failed[i] = w.send(w.replicas[i%len(w.replicas)], q) })
	}
	work.Wait()
	for _, err := range failed {
		if err != nil {
			t.Fatalf("recording: %v", err)
		}
	}
	w.truth.observe()
	for _, q := range requests {
		q.life = len(w.truth.lives) - 1
		w.sent = append(w.sent, q)
	}
}

// wantNothing checks that what was done has changed nothing a client could see.
func (w *world) wantNothing(t *rapid.T, what string, do func()) {
	t.Helper()
	before := w.truth.at
	do()
	if w.truth.at != before {
		t.Fatalf("%s moved the flow from %v to %v:\n%v", what, before, w.truth.at, diff(w.truth.states[before], w.truth.states[w.truth.at]))
	}
}

func diff(a, b state) string {
	return strings.Join([]string{"before: " + a.String(), "after: " + b.String()}, "\n")
}

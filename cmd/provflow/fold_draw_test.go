package main

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// drawEvents is a provision as it is told, with some events repeated and some out of order.
func drawEvents(rt *rapid.T) []string {
	lines := []string{event(0, "tofu-init"), event(5, "tofu-plan"), event(9, "tofu-apply"), event(10, "tofu", "message", "x")}
	at := 10.0
	for range rapid.IntRange(5, 50).Draw(rt, "events") {
		lines = append(lines, drawEvent(rt, at))
		at++
	}
	for range rapid.IntRange(0, len(lines)/3).Draw(rt, "repeated") {
		lines = append(lines, rapid.SampledFrom(lines).Draw(rt, "again"))
	}
	for range rapid.IntRange(0, len(lines)/3).Draw(rt, "swapped") {
		i, j := rapid.IntRange(0, len(lines)-1).Draw(rt, "one"), rapid.IntRange(0, len(lines)-1).Draw(rt, "other")
		lines[i], lines[j] = lines[j], lines[i]
	}
	return lines
}

func drawEvent(rt *rapid.T, at float64) string {
	if rapid.IntRange(0, 7).Draw(rt, "of a step") == 0 {
		return event(at, rapid.SampledFrom([]string{"tofu-plan", "tofu-apply", "tofu-output", "cluster-bootstrap"}).Draw(rt, "phase"),
			"level", rapid.SampledFrom([]string{"info", "info", "error"}).Draw(rt, "level"))
	}
	fields := []string{"chartVersion", fmt.Sprint(rapid.IntRange(1, 2).Draw(rt, "version"))}
	if rapid.IntRange(0, 2).Draw(rt, "speaks of dependencies") == 0 {
		fields = append(fields, "dependsOn", strings.Join(rapid.SliceOfN(rapid.Custom(drawChart), 0, 3).Draw(rt, "dependencies"), " "))
	}
	if rapid.IntRange(0, 5).Draw(rt, "abroad") == 0 {
		fields = append(fields, "region", "hel1")
	}
	return component(at, drawChart(rt), rapid.SampledFrom([]string{"pending", "installing", "degraded", "installed", "failed"}).Draw(rt, "state"), fields...)
}

func drawChart(rt *rapid.T) string { return fmt.Sprint("c", rapid.IntRange(0, 9).Draw(rt, "chart")) }

// drawMessage is what an emitter says: mostly of its own nodes, at times of the bridge's.
func drawMessage(rt *rapid.T) string {
	ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"n0", "n1", "n2", "n3", "n4"}), 1, 4, rapid.ID[string]).Draw(rt, "nodes")
	var nodes, rels []string
	for _, id := range ids {
		nodes = append(nodes, node(id, rapid.SampledFrom([]string{"pending", "running", "succeeded", "failed"}).Draw(rt, "status")))
	}
	for _, from := range ids {
		to := rapid.SampledFrom([]string{"n0", "n1", "n2", "n3", "n4", "n5"}).Draw(rt, "to")
		if from != to {
			rels = append(rels, rel(from, to, rapid.SampledFrom([]string{"contains", "finish-to-start", "triggers"}).Draw(rt, "type")))
		}
	}
	switch rapid.SampledFrom([]string{"nodes", "rels", "snapshot", "delete nodes", "delete rels"}).Draw(rt, "message") {
	case "nodes":
		return upsert(nodes...)
	case "rels":
		return upsertRels(rels...)
	case "snapshot":
		return strings.Replace(snapshotOf("x", nodes, rels), `"id":"x",`, "", 1)
	case "delete nodes":
		return `{"type":"delete-nodes","ids":["` + strings.Join(ids, `","`) + `"]}`
	}
	return `{"type":"delete-rels","pairs":[` + strings.Join(rels, ",") + `]}`
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/flow"
)

// The reducer of a console, in its own language, fed by a live stream that it cuts and
// resumes: it holds in the end what a fresh snapshot says.
func TestAConsolesReducerHoldsTheSnapshot(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node to run the console's reducer; the reducer in Go is tested all the same")
	}
	r := start(t, dbtest.New(t))
	r.post("d1", event(0, "tofu-init"))
	// It has to be told where to end before the writes are done: one event at a time moves
	// the version by one.
	end := flow.ParseCursor(r.snapshot("d1").Cursor)
	const events = 12
	end.Version += events
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reducer := exec.CommandContext(ctx, node, "testdata/reducer.mjs", r.url+"/api/v1/flows/d1/stream", end.String())
	said := linesOf(t, reducer)
	if first := <-said; first != "begun" {
		t.Fatalf("the reducer said %s", first)
	}
	for i := range events - 2 {
		r.post("d1", component(float64(10+i), fmt.Sprint("c", i), "installing", "dependsOn", fmt.Sprint("c", i+1)))
	}
	r.emit("d1", "flux", upsert(`{"id":"mine","status":"running"}`))
	r.emit("d1", "flux", `{"type":"delete-nodes","ids":["mine"]}`)
	got := <-said
	var last struct {
		Held map[string]any
		Seen struct{ Snapshots, Connections int }
	}
	if err := json.Unmarshal([]byte(got), &last); err != nil {
		t.Fatalf("the reducer said %s", got)
	}
	if last.Seen.Snapshots != 1 || last.Seen.Connections < 3 {
		t.Errorf("after its first snapshot it resumes by its cursor alone: %+v", last.Seen)
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(r.snapshot("d1").String()), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(last.Held, want) {
		t.Errorf("held %v\nwant %v", last.Held, want)
	}
}

// linesOf starts a program and gives what it says, line by line.
func linesOf(t *testing.T, cmd *exec.Cmd) <-chan string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 100)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said <- lines.Text()
		}
		_ = cmd.Wait()
	}()
	return said
}

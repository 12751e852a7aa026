package main

import (
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// When a step was last heard of is remembered, by every replica, and wakes nobody.
func TestALateErrorIsHeldAgainstWhatAnotherReplicaHeard(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	here, there := start(t, dsn), start(t, dsn)
	here.post("d1", event(0, "tofu-apply"))
	before := here.snapshot("d1").Cursor
	here.post("d1", event(10, "tofu-apply", "message", "goes on"))
	if after := here.snapshot("d1").Cursor; after != before {
		t.Errorf("a line of a log moved the version from %s to %s", before, after)
	}
	there.post("d1", event(5, "tofu-apply", "message", "boom", "level", "error"))
	got := ""
	for _, x := range attemptsOf(here, "tofu-apply") {
		got += x.Status + " " + strings.TrimPrefix(x.StartedAt, "2026-04-01T12:") + " " + strings.TrimPrefix(x.FinishedAt, "2026-04-01T12:") + "; "
	}
	if want := "running 00:10Z ; failed 00:00Z 00:05Z; "; got != want {
		t.Errorf("attempts %q, want %q", got, want)
	}
}

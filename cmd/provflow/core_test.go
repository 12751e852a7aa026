package main

import (
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

func TestAProvisionIsSeenFromItsFirstSecond(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	writer, reader := start(t, dsn), start(t, dsn)
	writer.post("d1", "") // known from here on
	s := reader.stream("d1", "")
	s.until(reader, "d1")
	writer.post("d1", event(0, "tofu-init"))
	s.until(reader, "d1")
	if got := s.state.status("d1:tofu-init"); got != "running" {
		t.Errorf("tofu-init is %q", got)
	}
	if got := s.state.status("d1:provisioner"); got != "running" {
		t.Errorf("its group is %q", got)
	}
	writer.post("d1", event(9, "tofu-plan"), component(20, "cilium", "installed"))
	s.until(reader, "d1")
	if got := s.state.status("d1:provisioner"); got != "succeeded" {
		t.Errorf("the group is %q", got)
	}
}

// The same events again, in other pieces, change nothing: no version, execution or line.
func TestEventsSentAgainHaveNoSecondEffect(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	lines := []string{
		event(0, "tofu-init"), event(1, "tofu", "message", "a"), event(1, "tofu", "message", "a"), event(2, "tofu-init", "level", "error"),
		event(3, "tofu-init"), component(9, "x", "failed"), component(10, "x", "installing"),
		event(11, "component-log", "component", "x", "message", "b"),
	}
	first := r.post("d1", lines...)
	const count = `SELECT (SELECT count(*) FROM executions) * 1000000 + (SELECT count(*) FROM log_lines) * 1000 + (SELECT count(*) FROM transitions)`
	before, snapshot := query[int64](t, dsn, count), r.snapshot("d1").String()
	r.stop()
	r = start(t, dsn) // a restart in between changes nothing either
	if again := r.post("d1", lines...); again.body != first.body {
		t.Errorf("first %s, again %s", first.body, again.body)
	}
	for _, l := range lines {
		r.post("d1", l)
	}
	if after := query[int64](t, dsn, count); after != before || r.snapshot("d1").String() != snapshot {
		t.Errorf("history was %d and is %d", before, after)
	}
}

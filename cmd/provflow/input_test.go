package main

import (
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

func TestHardTextIsCleanedAndKept(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1",
		`{"time":"2026-04-01T12:00:00Z","phase":"tofu","message":"nul \u0000 and `+"\xff"+` and \ud800"}`,
		event(1, "tofu", "message", strings.Repeat("x", 1_000_000)),
		event(2, "tofu", "message", "after"))
	got := query[string](t, dsn, `SELECT string_agg(left(message, 19) || ' ' || octet_length(message), '|' ORDER BY line_number) FROM log_lines`)
	want := "nul  and \uFFFD and \uFFFD 20|xxxxxxxxxxxxxxxxxxx 16384|after 5"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

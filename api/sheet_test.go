package api

import (
	"encoding/csv"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/timeline/form"
)

func TestCSVIsAskedForByName(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/csv": true, "TEXT/CSV; charset=utf-8": true,
		"text/csv, */*": true, "text/csv;q=0.5, application/json": false, "text/csv, application/json;q=0.9": true, "text/csv;q=0": false,
		"text/html,application/xhtml+xml,*/*;q=0.8": false, "text/csv;q=x": false,
	} {
		if got := prefersCSV([]string{accept}); got != want {
			t.Errorf("Accept %q: %v", accept, got)
		}
	}
}

func TestATable(t *testing.T) {
	t.Parallel()
	slack, begun := int64(-1500), time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	rows := []form.Row{{
		JobID: "d1:x", Name: `says "hi", twice`, Label: "=HYPERLINK(A1)", Attempt: 2, WaitedOn: []string{"d1:a", "d1:b"}, StartedAt: &begun, SlackMs: &slack,
		Critical: true, ChartVersion: "two\nlines",
	}}
	got, err := writeCSV(rows)
	want := "jobId,name,label,attempt,executionId,status,group,phase,region,component,chartVersion,waitingFrom,waitedOn,blockerJobId,blockerAttempt," +
		"waitedMs,blockedMs,idleMs,startedAt,endedAt,ranMs,later,critical,slackMs,pathStep,pathIdleMs,pathRanMs\r\n" +
		"d1:x,\"says \"\"hi\"\", twice\",'=HYPERLINK(A1),2,,,,,,,\"two\r\nlines\",,d1:a d1:b,,0,0,0,0,2026-04-01T12:00:00Z,,0,false,true,-1500,0,0,0\r\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	empty, err := writeCSV([]form.JobEstimate{})
	if err != nil || string(empty) != "jobId,name,known,lowMs,highMs,endsFrom,endsUntil\r\n" {
		t.Errorf("an empty one: %q, %v", empty, err)
	}
	if columns := columnsOf(reflect.TypeFor[form.Provision](), nil); columns[len(columns)-1].name != "removed" {
		t.Errorf("columns %v", columns)
	}
}

// Whatever a text is, it is read back, and no spreadsheet takes it for a formula.
func TestTextsInTables(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("=+-@\t\"',; \nab1"))).Draw(rt, "text")
		body, err := writeCSV([]form.Component{{Component: text}, {Component: "last"}})
		if err != nil {
			rt.Fatal(err)
		}
		records, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
		if err != nil || len(records) != 3 {
			rt.Fatalf("%q: %v", body, err)
		}
		cell := records[1][0]
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) || strings.TrimPrefix(cell, "'") != strings.TrimPrefix(text, "'") {
			rt.Errorf("%q became %q", text, cell)
		}
	})
}

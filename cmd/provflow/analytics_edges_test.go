package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/timeline/form"
)

// began makes a flow that began at noon and has ended, with one job of that label.
func (r *replica) began(id, label string) {
	r.t.Helper()
	r.emit(id, "test", fmt.Sprintf(`{"type":"snapshot","flow":{"status":"succeeded","startedAt":%[1]d,"endedAt":%[2]d},
		"nodes":[{"id":"a","label":%[3]q,"status":"succeeded","startedAt":%[1]d,"endedAt":%[2]d}],"relationships":[]}`,
		noon.UnixMilli(), noon.UnixMilli()+1000, label))
}

// What was there when the first page was read is on one page exactly, also where all began in
// the same moment and more come in between, before and after the place that was reached.
func TestPagesOfProvisionsThatBeganTogether(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	want := []string{"p-5", "p-4", "p-3", "p-2", "p-1"}
	for _, id := range want {
		r.began(id, "x")
	}
	var seen []string
	for after, page := "", 1; page == 1 || after != ""; page++ {
		var list form.Provisions
		r.json("/api/v1/analytics/provisions?limit=1&"+inApril+"&after="+after, &list)
		seen, after = append(seen, ids(list)...), list.Next
		if page == 2 {
			r.began("p-9", "x") // whose place has been passed
			r.began("p-35", "x")
		}
		if page > 9 {
			t.Fatal("the pages have no end")
		}
	}
	if !slices.Equal(seen, []string{"p-5", "p-4", "p-35", "p-3", "p-2", "p-1"}) {
		t.Errorf("%q", seen)
	}
}

// A moment is up to its microsecond: what happens in it has happened. Before the first one
// nothing is there, and what is to come is as it is now.
func TestMomentsOfAPast(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", event(0.000001, "tofu-init"), event(0.000003, "tofu-init", "state", "succeeded"))
	for after, want := range map[time.Duration]string{
		0: "", time.Microsecond: "running", 2 * time.Microsecond: "running", 3 * time.Microsecond: "succeeded", 100 * 365 * 24 * time.Hour: "succeeded",
	} {
		a := r.get("/api/v1/flows/d1/snapshot?at=" + url.QueryEscape(noon.Add(after).Format(time.RFC3339Nano)))
		if a.status != http.StatusOK {
			t.Fatalf("%v: %d %s", after, a.status, a.body)
		}
		b := newBrowser()
		b.fold(t, frame{"snapshot", "", a.body})
		if got := b.status("d1:tofu-init"); got != want {
			t.Errorf("%v after noon it is %q, want %q", after, got, want)
		}
	}
}

// Answers come as they are asked for: HEAD has no body, whoever takes anything gets JSON, and
// in a table no text is a formula.
func TestFormsOfAnswers(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.began("f", "=cmd|' /C calc'!A0")
	for _, path := range []string{
		"/api/v1/flows/f/timeline", "/api/v1/flows/f/critical-path", "/api/v1/flows/f/diagnosis", "/api/v1/flows/f/estimate", "/api/v1/flows/f/snapshot?at=2026-05-01",
		"/api/v1/analytics/provisions?" + inApril, "/api/v1/analytics/components?" + inApril, "/api/v1/analytics/compare?a=f&b=f",
	} {
		for accept, want := range map[string]string{
			"": "application/json", "*/*": "application/json", "text/html, */*;q=0.1": "application/json",
			"text/csv;q=0.5, application/json;q=0.6": "application/json", "text/csv, */*;q=0.1": "text/csv", "application/json;q=0.1, text/csv;q=0.2": "text/csv",
		} {
			got, head := r.get(path, "Accept", accept), r.do("HEAD", path, "", "Accept", accept)
			kind := got.header.Get("Content-Type")
			if got.status != http.StatusOK || !strings.HasPrefix(kind, want) || got.header.Get("Vary") != "Accept" || got.body == "" {
				t.Errorf("%s, Accept %q: %d %s, Vary %q", path, accept, got.status, kind, got.header.Get("Vary"))
			}
			if head.status != http.StatusOK || head.header.Get("Content-Type") != kind || head.body != "" {
				t.Errorf("HEAD %s, Accept %q: %d %s %q", path, accept, head.status, head.header.Get("Content-Type"), head.body)
			}
		}
	}
	if table := r.table("/api/v1/flows/f/timeline"); len(table) != 2 || !slices.Contains(table[1], "'=cmd|' /C calc'!A0") {
		t.Errorf("%q", table)
	}
}

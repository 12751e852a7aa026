package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/timeline/form"
)

// What is over for longer than it is to be kept is gone with the first round after a start:
// its streams end on every replica, and its deployment stays, as with a deletion. What
// runs stays, however old it is.
func TestOldFlowsGoAndTheirStreamsEnd(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	watcher := start(t, dsn)
	watcher.post("over", event(0, "tofu-init"), event(60, "tofu-init", "state", "succeeded"))
	watcher.post("running", event(0, "tofu-init"))
	s := watcher.stream("over", "")
	s.until(watcher, "over")
	keep := instance{retention: retentionFlags{FlowRetention: retention(time.Hour)}}
	keeper := startAs(t, dsn, keep)
	for ok := true; ok; {
		_, ok = s.next()
	}
	s = keeper.stream("over", s.state.Cursor)
	if f, _ := s.next(); f.event != "snapshot" || len(s.state.Nodes.ByID) != 0 {
		t.Errorf("frame %+v", f)
	}
	if a := keeper.get("/api/v1/deployments/over"); a.status != http.StatusOK {
		t.Errorf("the deployment: %d %s", a.status, a.body)
	}
	var kept form.Provisions
	keeper.json("/api/v1/analytics/provisions?"+inApril, &kept)
	if len(kept.Provisions) != 2 || !kept.Provisions[1].Removed || kept.Provisions[1].FlowID != "over" || kept.Provisions[1].TookMs != 60_000 {
		t.Errorf("kept of them: %+v", kept.Provisions)
	}
	var rows form.Timeline
	if keeper.json("/api/v1/flows/over/timeline", &rows); len(rows.Rows) != 1 || rows.Rows[0].RanMs != 60_000 {
		t.Errorf("its timeline: %+v", rows)
	}
	if got := keeper.snapshot("running").status("running:tofu-init"); got != "running" {
		t.Errorf("what runs is %q", got)
	}
}

// Old lines are gone, and what is shown of their log is that it is over.
func TestOldLogLinesGo(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := startAs(t, dsn, instance{retention: retentionFlags{LogRetention: retention(time.Hour)}})
	r.post("d1", event(0, "tofu-init"), event(1, "tofu", "message", "old"), event(60, "tofu-init", "state", "succeeded"))
	r.stop()
	r = startAs(t, dsn, instance{retention: retentionFlags{LogRetention: retention(time.Hour)}})
	eventually(t, "the lines to go", func() bool { return query[int](t, dsn, `SELECT count(*) FROM log_lines`) == 0 })
	a := r.get("/api/v1/actions/executions/d1:tofu-init:1/logs")
	if a.status != http.StatusOK || !strings.Contains(a.body, `"lines":[],"total":1,"executionFinished":true`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.get("/api/v1/actions/executions/d1:tofu-init:1/logs/stream"); !strings.Contains(a.body, "event: end") {
		t.Errorf("the stream: %s", a.body)
	}
}

// There is room for a week's lines before they come.
func TestPartitionsAreMadeAheadOfTime(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	inAWeek := time.Now().UTC().AddDate(0, 0, 7).Format("20060102")
	start(t, dsn)
	eventually(t, "the partition of the day in a week", func() bool {
		return query[bool](t, dsn, `SELECT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = 'log_lines'::regclass AND inhrelid = to_regclass('log_lines_`+inAWeek+`'))`)
	})
}

// Once it is forgotten what was removed, a stream that resumes from before it begins anew;
// one that was open all the time goes on.
func TestAStreamFromBeforeAForgottenRemovalBeginsAnew(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.emit("f", "flux", upsert(node("a", "running"), node("b", "running")))
	open := r.stream("f", "")
	open.until(r, "f")
	before := open.state.Cursor
	r.emit("f", "flux", `{"type":"delete-nodes","ids":["b"]}`)
	open.until(r, "f")
	if f, _ := r.stream("f", before).next(); f.event != "delete-nodes" {
		t.Errorf("while it is known: %+v", f)
	}
	query[int](t, dsn, `WITH old AS (UPDATE tombstones SET removed_at = removed_at - interval '2 hours' RETURNING 1) SELECT count(*)::int FROM old`)
	keeper := startAs(t, dsn, instance{retention: retentionFlags{GoneRetention: retention(time.Hour), KeyRetention: retention(time.Hour)}})
	eventually(t, "the removal to be forgotten", func() bool { return query[int](t, dsn, `SELECT count(*)::int FROM tombstones`) == 0 })
	if f, _ := keeper.stream("f", before).next(); f.event != "snapshot" {
		t.Errorf("from before it: %+v", f)
	}
	keeper.emit("f", "flux", upsert(node("a", "failed")))
	if f, _ := open.next(); f.event != "upsert-flow" && f.event != "upsert-nodes" {
		t.Errorf("the open stream: %+v", f)
	}
}

func TestRetentionsThatAreNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "36h": 36 * time.Hour, "1h30m": 90 * time.Minute} {
		var r retention
		if err := r.UnmarshalText([]byte(text)); err != nil || time.Duration(r) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(r), err)
		}
	}
	for _, text := range []string{"0", "30", "d", "-1d", "1.5d", "59m", "for ever", "999999d", "9999999999999d"} {
		run(t, []string{"PROVFLOW_LOG_RETENTION=" + text}, "serve", "--listen", "127.0.0.1:0").want(t, 1, "such as 30d")
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/timeline/form"
)

// since is the test's provision as if it had begun so long ago.
func since(ago time.Duration) []string { return kitRun(time.Since(noon).Seconds() - ago.Seconds()) }

// A running flow says when it is expected to end, on its stream as in its snapshot, at the
// cost of one version; and says nothing any more once it has ended.
func TestARunningFlowCarriesItsEstimate(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	for day := range 3 {
		r.post(fmt.Sprint("old-", day), since(time.Duration(day+2)*24*time.Hour)...)
	}
	eventually(t, "the earlier ones to be counted", func() bool {
		var page form.Provisions
		r.json("/api/v1/analytics/provisions?outcome=succeeded", &page)
		return len(page.Provisions) == 3
	})
	lines := since(155 * time.Second)
	r.post("now", lines[:10]...)
	s := r.stream("now", "")
	var told struct {
		Meta struct {
			Estimate struct {
				Earliest, Latest int64
				Runs             int
			}
		}
	}
	for told.Meta.Estimate.Runs == 0 {
		if _, ok := s.next(); !ok {
			t.Fatal("the stream ended")
		}
		if err := json.Unmarshal(s.state.Flow, &told); err != nil {
			t.Fatal(err)
		}
	}
	e, expected := told.Meta.Estimate, time.Now().Add(145*time.Second).UnixMilli()
	if e.Runs != 3 || e.Earliest > expected+30_000 || e.Latest < expected-30_000 || e.Latest-e.Earliest > 120_000 {
		t.Errorf("estimated from %d to %d, expected %d", e.Earliest-expected, e.Latest-expected, expected)
	}
	s.until(r, "now")
	r.post("now", lines[10:]...)
	s.until(r, "now")
	var over struct{ Meta map[string]any }
	if err := json.Unmarshal(s.state.Flow, &over); err != nil || over.Meta["estimate"] != nil {
		t.Errorf("%s, %v", s.state.Flow, err)
	}
}

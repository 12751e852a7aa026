package form_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/timeline"
	"github.com/openova-io/provflow/service/timeline/form"
	"github.com/openova-io/provflow/service/timeline/gantt"
)

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// known is a timeline of everything a row can say.
func known() timeline.Timeline {
	return timeline.Timeline{
		Provision: timeline.Provision{
			FlowID: "d1", Outcome: flow.Running, StartedAt: noon, Jobs: timeline.Tally{All: 3, Running: 1, Pending: 1, Succeeded: 1}, Retries: 1,
		},
		Rows: []timeline.Row{
			{
				JobID: "d1:a", Name: "a", Label: "A", Attempt: 1, Status: flow.Succeeded, Phase: "p", Region: "r", StartedAt: noon,
				EndedAt: noon.Add(90 * time.Second), Ran: 90 * time.Second, Critical: true, SlackKnown: true, PathStep: 1, PathRan: 90 * time.Second,
			},
			{
				JobID: "d1:b", Name: "b", Label: "B", Attempt: 2, Status: flow.Running, Phase: "p", StartedAt: noon.Add(100 * time.Second),
				Ran: 20 * time.Second, Wait: timeline.Wait{From: noon, Waited: 100 * time.Second, Blocker: "d1:a"}, PathStep: 2, PathIdle: 10 * time.Second,
			},
			{JobID: "d1:c", Name: "c", Label: "C", Status: flow.Pending, Wait: timeline.Wait{From: noon, Waited: 2 * time.Minute}, Later: true},
		},
	}
}

// A client draws from what was sent exactly what the server would draw.
func TestWhatIsSentIsDrawnAlike(t *testing.T) {
	t.Parallel()
	now := noon.Add(2 * time.Minute)
	text, err := json.Marshal(form.FromTimeline(known(), now))
	if err != nil {
		t.Fatal(err)
	}
	var sent form.Timeline
	if err := json.Unmarshal(text, &sent); err != nil {
		t.Fatal(err)
	}
	paper := gantt.Paper{Width: 90}
	if got, want := gantt.Text(sent.Timeline(), sent.AsOf, paper), gantt.Text(known(), now, paper); got != want {
		t.Errorf("the client draws\n%sthe server\n%s", got, want)
	}
}

// No list is null, however little there is to say.
func TestListsAreLists(t *testing.T) {
	t.Parallel()
	for _, answer := range []any{
		form.FromTimeline(timeline.Timeline{Rows: make([]timeline.Row, 1)}, noon), form.FromPath("x", timeline.Path{}, noon),
		form.FromDiagnosis("x", timeline.Diagnosis{Stopped: make([]timeline.Stopped, 1)}), form.FromEstimate(timeline.Estimate{}, noon),
		form.FromProvisions(timeline.Window{}, nil, ""), form.FromComponents(timeline.Window{}, nil, ""), form.FromComparison(timeline.Comparison{}),
	} {
		withLists(t, reflect.ValueOf(answer))
	}
}

func withLists(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				withLists(t, v.Field(i))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			t.Errorf("a %s is null", v.Type())
		}
		for i := range v.Len() {
			withLists(t, v.Index(i))
		}
	}
}

func TestEstimatesAreMomentsToo(t *testing.T) {
	t.Parallel()
	e := form.FromEstimate(timeline.Estimate{
		FlowID: "x", Runs: 3, Flow: timeline.Remaining{Low: time.Minute, High: 2 * time.Minute, Known: true}, Jobs: []timeline.JobEstimate{{Name: "a"}},
	}, noon)
	if *e.Flow.LowMs != 60_000 || !e.Flow.EndsUntil.Equal(noon.Add(2*time.Minute)) || e.Jobs[0].Known || e.Jobs[0].HighMs != nil {
		t.Errorf("%+v", e)
	}
}

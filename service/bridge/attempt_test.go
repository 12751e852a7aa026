package bridge_test

import (
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

func TestAttemptsAreKnownAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		events   []string
		status   flow.Status
		attempts []string
	}{
		{"told of twice it is one", []string{"9 - c=x state=failed began=2", "9 - c=x state=failed began=2 msg=again"}, flow.Failed, []string{"failed 2-9"}},
		{"told of after another it is none", []string{"20 - c=x state=installed began=12 asof=20", "9 - c=x state=failed began=2"}, flow.Succeeded, []string{"succeeded 12-20"}},
		{"late and not known, before what runs", []string{"30 - c=x state=installing asof=30", "9 - c=x state=failed began=12", "40 - c=x state=installed began=31 asof=40"},
			flow.Succeeded, []string{"failed 30-30", "succeeded 31-40"}},
		{"long before what runs", []string{"100 - c=x state=installing asof=100", "9 - c=x state=failed began=2"}, flow.Running, []string{"running 100-"}},
		{"the one that runs", []string{"5 - c=x state=installing asof=5", "9 - c=x state=failed began=6"}, flow.Failed, []string{"failed 5-9"}},
		{"two in one second", []string{"2 - c=x state=failed began=2 rev=1", "2 - c=x state=failed began=2 rev=2", "2 - c=x state=failed began=2 rev=1"}, flow.Failed, []string{"failed 2-2", "failed 2-2"}},
		{"one that left nothing but the count", []string{"5 - c=x state=failed failures=1 asof=5", "9 - c=x state=failed failures=2 asof=9"}, flow.Failed, []string{"failed 5-5", "failed 9-9"}},
		{"the same count is the same failure", []string{"5 - c=x state=failed failures=1 asof=5", "5 - c=x state=failed failures=1 asof=9"}, flow.Failed, []string{"failed 5-5"}},
		{"tried again, as the count says", []string{"1 - c=x state=installing asof=1", "9 - c=x state=installing failures=1 asof=9"}, flow.Running, []string{"failed 1-9", "running 9-"}},
		{"waiting again, as the count says", []string{"1 - c=x state=installing asof=1", "9 - c=x state=pending finer=waiting failures=1 asof=9"}, flow.Failed, []string{"failed 1-9"}},
		{"counted anew from a success", []string{"3 - c=x state=failed failures=1 asof=3", "10 - c=x state=installed began=10", "14 - c=x state=pending failures=1 asof=14"},
			flow.Failed, []string{"failed 3-3", "succeeded 10-10", "failed 14-14"}},
		{"the failure before a retry does not end it", []string{"5 - c=x state=failed finer=retrying failures=1 asof=5", "5 - c=x state=installing finer=retrying failures=1 asof=5",
			"5 - c=x state=failed finer=retrying failures=1 asof=8"}, flow.Running, []string{"failed 5-5", "running 5-"}},
		{"its own failure does, though it names an older one", []string{"5 - c=x state=failed began=2 failures=1 asof=5", "6 - c=x state=installing failures=1 asof=6",
			"9 - c=x state=failed began=2 failures=2 asof=9"}, flow.Failed, []string{"failed 2-5", "failed 6-9"}},
		{"failed in the second in which it began", []string{"5 - c=x state=installing asof=5", "5 - c=x state=failed asof=6"}, flow.Failed, []string{"failed 5-5"}},
		{"other values of the same chart are none", []string{"5 - c=x state=installed began=2 v=1 asof=5", "9 - c=x state=installed began=8 v=1 asof=9"}, flow.Succeeded, []string{"succeeded 2-5"}},
		{"unless they fail", []string{"5 - c=x state=installed began=2 v=1 asof=5", "9 - c=x state=failed began=8 v=1 asof=9"}, flow.Failed, []string{"succeeded 2-5", "failed 8-9"}},
		{"a build that is added is no other chart", []string{"1 - c=x state=installing v=1.0.0", "5 - c=x state=installed v=v1.0.0+ab"}, flow.Succeeded, []string{"succeeded 1-5"}},
		{"another build is", []string{"5 - c=x state=installed v=1.0.0+ab", "6 - c=x state=installing v=1.0.0+cd"}, flow.Running, []string{"succeeded 5-5", "running 6-"}},
		{"in order by when it was known", []string{"5 - c=x state=installed began=2 asof=50", "9 - c=x state=failed asof=40"}, flow.Succeeded, []string{"succeeded 2-5"}},
		{"what was known later counts, whatever its time", []string{"50 - c=x state=installing asof=50", "5 - c=x state=installed asof=60"}, flow.Succeeded, []string{"succeeded 50-50"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			play(t, tt.events...).is("install-x", tt.status, tt.attempts...)
		})
	}
}

// What failed is told in its own log, also where all of it happened in one second.
func TestAFailureBeforeARetryIsToldWhereItBelongs(t *testing.T) {
	t.Parallel()
	h := play(t, "5 - c=x state=failed finer=retrying failures=1 asof=5 msg=first", "5 - c=x state=installing finer=retrying failures=1 asof=5",
		"5 - c=x state=failed finer=retrying failures=2 asof=6 msg=second", "5 - c=x state=installing finer=retrying failures=2 asof=6")
	h.is("install-x", flow.Running, "failed 5-5", "failed 5-5", "running 5-")
	if first, second := h.lines("install-x:1"), h.lines("install-x:2"); len(first) != 1 || len(second) != 1 || second[0] != "second" {
		t.Errorf("lines %q and %q", first, second)
	}
}

// A source that says when it knew a thing says it again each time it looks: nothing is
// written of that, no line, no transition.
func TestWhatIsSaidAgainIsNotKept(t *testing.T) {
	t.Parallel()
	h := play(t, "1 - c=x state=installing reason=Progressing msg=running asof=1", "1 - c=x state=installing reason=Progressing msg=running asof=2")
	if got := h.lines("install-x:1"); len(got) != 1 || len(h.Transitions) != 1 {
		t.Errorf("lines %q, transitions %+v", got, h.Transitions)
	}
	h = h.and("3 - c=x state=installing reason=Progressing msg=hooks asof=3")
	if got := h.lines("install-x:1"); len(got) != 2 || h.job("install-x").Reason != "Progressing: hooks" {
		t.Errorf("lines %q, reason %q", got, h.job("install-x").Reason)
	}
}

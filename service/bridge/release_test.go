package bridge_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// parseFiner reads what only a watcher says. `list=` names releases with commas, `list=-`
// says "none".
func parseFiner(t *testing.T, e *bridge.Event, key, value string) {
	t.Helper()
	number, _ := strconv.ParseFloat(value, 64)
	at := noon.Add(time.Duration(number * float64(time.Second)))
	switch key {
	case "ns":
		e.Namespace = value
	case "finer":
		e.Finer = value
	case "reason":
		e.Reason = value
	case "began":
		e.Began = at
	case "asof":
		e.AsOf = at
	case "rev":
		e.Revision = int(number)
	case "failures":
		e.Failures = int(number)
	case "list":
		if e.Components = []string{}; value != "-" {
			e.Components = strings.Split(value, ",")
		}
	default:
		t.Fatalf("unknown key %q", key)
	}
}

// and applies more events to what is there.
func (h history) and(events ...string) history {
	h.t.Helper()
	for _, e := range events {
		ledger := bridge.NewLedger(h.graph, flow.Deployment{}, noon)
		parse(h.t, e).Apply(ledger)
		c := ledger.Changes()
		h.Executions = append(h.Executions, c.Executions...)
		h.Transitions = append(h.Transitions, c.Transitions...)
		h.Lines = append(h.Lines, c.Lines...)
		h.RemovedJobs = append(h.RemovedJobs, c.RemovedJobs...)
		h.RemovedRelationships = append(h.RemovedRelationships, c.RemovedRelationships...)
	}
	return h
}

func (h history) gone(name string) {
	h.t.Helper()
	if j, there := h.graph.Job("d1:" + name); there {
		h.t.Errorf("%s is there: %+v", name, j)
	}
}

func TestADeletedReleaseLeavesItsHistory(t *testing.T) {
	t.Parallel()
	h := play(t, "0 - c=y state=installed", "1 - c=x state=pending deps=y", "2 - c=z state=pending deps=x", "3 - c=x state=installing")
	h = h.and("5 - c=x state=deleted")
	h.gone("install-x")
	if got := h.attempts("install-x"); !slices.Equal(got, []string{"failed 3-5"}) {
		t.Errorf("attempts %v: nothing is left running", got)
	}
	var gone []string
	for _, k := range h.RemovedRelationships {
		gone = append(gone, fmt.Sprint(k))
	}
	slices.Sort(gone)
	if want := []string{"{d1:install-x d1:bootstrap-kit contains}", "{d1:install-y d1:install-x finish-to-start}"}; !slices.Equal(gone, want) {
		t.Errorf("edges %v are gone, want %v", gone, want)
	}
	if last := h.Transitions[len(h.Transitions)-1]; last.State != "deleted" || last.Cause != "the release was deleted" || last.From != flow.Running {
		t.Errorf("its history ends with %+v", last)
	}
	if got := h.job("install-z").WaitingOn; got != nil {
		t.Errorf("z waits for what is gone: %v", got)
	}
	if f := h.graph.Flow(); f.Status != flow.Running {
		t.Errorf("the flow is %s", f.Status)
	}
}

func TestAReleaseThatIsBackCountsOn(t *testing.T) {
	t.Parallel()
	h := play(t, "0 - c=z state=pending deps=x", "1 - c=x state=installed began=1").and("5 - c=x state=deleted",
		"6 component-log of=x msg=cleared", "70 component-log of=x msg=chatter")
	h.gone("install-x")
	if got := h.lines("install-x:1"); !slices.Equal(got, []string{"cleared"}) {
		t.Errorf("lines %v", got)
	}
	h = h.and("4 - c=x state=failed msg=late")
	h.gone("install-x")
	h = h.and("80 - c=x state=installing", "90 - c=x state=installed began=81")
	h.is("install-x", flow.Succeeded, "succeeded 1-1", "succeeded 80-90")
	if got := h.graph.Dependencies("d1:install-z"); !slices.Equal(got, []string{"d1:install-x"}) {
		t.Errorf("what waits for it still does: %v", got)
	}
}

// A cluster's times are whole seconds and Helm counts revisions anew, so what is installed again
// may look like the attempt before. What runs here is over all the same: so it is now.
func TestWhatIsSoNowEndsWhatRuns(t *testing.T) {
	t.Parallel()
	for name, then := range map[string][]string{
		"made anew within a second":     {"1 - c=x state=deleted asof=1", "1 - c=x state=installing asof=1"},
		"a version that was taken back": {"2 - c=x state=installing asof=2 v=2"},
	} {
		h := play(t, "1 - c=x state=installed began=1 rev=1 asof=1 v=1").and(then...)
		if j, _ := h.graph.Job("d1:install-x"); j.Status != flow.Running {
			t.Fatalf("%s: it is %s", name, j.Status)
		}
		h = h.and("1 - c=x state=installed began=1 rev=1 asof=5 v=1")
		if j, _ := h.graph.Job("d1:install-x"); j.Status != flow.Succeeded {
			t.Errorf("%s: it stays %s", name, j.Status)
		}
	}
}

func TestAListTakesOutWhatWentUnseen(t *testing.T) {
	t.Parallel()
	h := play(t, "0 - c=planned state=pending", "0 - c=x state=installed began=0 asof=0 ns=flux-system",
		"0 - c=y state=installed ns=apps", "0 - c=x state=pending region=hel1 ns=flux-system", "5 - c=new state=pending ns=flux-system")
	h = h.and("5 watch state=listed list=apps/bp-y")
	h.gone("install-x")
	for _, stays := range []string{"install-planned", "install-y@apps", "install-hel1:x", "install-new"} {
		h.job(stays)
	}
	h = h.and("3 - c=x state=installed began=0 asof=0 ns=flux-system")
	h.gone("install-x")
	// It was another cluster that was looked at. This one says what it always said.
	h = h.and("6 watch state=listed list=flux-system/bp-x,apps/bp-y", "0 - c=x state=installed began=0 asof=0 ns=flux-system")
	h.is("install-x", flow.Succeeded, "succeeded 0-0")
	if j := h.job("install-x"); j.Attempt != 1 || j.ExecutionID != "d1:install-x:1" {
		t.Errorf("it is no new attempt: %+v", j)
	}
	h = h.and("7 watch state=listed list=-")
	for _, all := range []string{"install-x", "install-y@apps", "install-new"} {
		h.gone(all)
	}
	h.job("install-planned")
}

func TestNamespacesDoNotCollide(t *testing.T) {
	t.Parallel()
	events := []string{"0 - c=redis state=installed", "0 - c=redis state=failed ns=apps", "0 - c=web state=pending ns=apps deps=redis,flux-system/bp-redis,install-redis,other/bp-z"}
	for range 2 {
		h := play(t, events...)
		h.is("install-redis", flow.Succeeded, "succeeded 0-0")
		h.is("install-redis@apps", flow.Failed, "failed 0-0")
		want := []string{"d1:install-redis@apps", "d1:install-redis", "d1:install-z@other"}
		if got := h.graph.Dependencies("d1:install-web@apps"); !slices.Equal(got, want) {
			t.Errorf("depends on %v, want %v", got, want)
		}
		if j := h.job("install-redis@apps"); j.Namespace != "apps" || j.Chart != "redis" {
			t.Errorf("%+v", j)
		}
		slices.Reverse(events) // who is seen first makes no difference
	}
	h := play(t, "0 - c=x state=pending", "1 - c=x state=pending ns=flux-system", "2 - c=x state=pending")
	if got := h.job("install-x").Namespace; got != flow.HomeNamespace {
		t.Errorf("the home namespace is known once it is said: %q", got)
	}
}

func TestFinerStates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		events []string
		status flow.Status
		state  string
		reason string
	}{
		{"waiting", []string{"0 - c=x state=pending finer=waiting reason=SourceNotReady msg=m"}, flow.Pending, "waiting", "SourceNotReady: m"},
		{"a reason without more", []string{"0 - c=x state=failed reason=InstallFailed"}, flow.Failed, "failed", "InstallFailed"},
		{"what is installed and waits stays installed", []string{"0 - c=x state=installed", "1 - c=x state=pending finer=waiting reason=R msg=m"}, flow.Succeeded, "waiting", "R: m"},
		{"suspended, and no more", []string{"0 - c=x state=installed", "1 - c=x state=installed finer=suspended", "2 - c=x state=installing"}, flow.Succeeded, "installed", ""},
		{"failed, suspended, looked at", []string{"0 - c=x state=failed", "1 - c=x state=failed finer=suspended", "2 - c=x state=pending"}, flow.Failed, "failed", ""},
		{"what runs says what it does", []string{"0 - c=x state=installing reason=Progressing msg=m"}, flow.Running, "installing", "Progressing: m"},
		{"what is installed needs no reason", []string{"0 - c=x state=installed reason=InstallSucceeded msg=m"}, flow.Succeeded, "installed", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if j := play(t, tt.events...).job("install-x"); j.Status != tt.status || j.State != tt.state || j.Reason != tt.reason {
				t.Errorf("%s/%s %q", j.Status, j.State, j.Reason)
			}
		})
	}
}

func TestWhatAWatchSaysOfTheWhole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		events []string
		want   string
	}{
		{"watching", []string{"1 watch state=watching"}, `[{"state":"watching","since":1}]`},
		{"blind since, however often it is said", []string{"1 watch state=watching", "5 watch state=blind msg=a", "9 watch state=blind msg=b"},
			`[{"state":"blind","since":5,"message":"b"}]`},
		{"sees again", []string{"5 watch state=blind msg=a", "9 watch state=watching"}, `[{"state":"watching","since":9}]`},
		{"what was said between stays between", []string{"1 watch state=blind", "9 watch state=blind", "5 watch state=watching"}, `[{"state":"blind","since":1}]`},
		{"what was said earlier stays earlier", []string{"5 watch state=watching", "1 watch state=blind"}, `[{"state":"watching","since":5}]`},
		{"an outcome beside it", []string{"1 watch state=watching", "7 watch state=nothing-reconciles msg=look"},
			`[{"state":"watching","since":1,"outcome":"nothing-reconciles","outcomeSince":7,"outcomeMessage":"look"}]`},
		{"an outcome that is none any more", []string{"1 watch state=watching", "7 watch state=failed", "8 watch state=reconciling"}, `[{"state":"watching","since":1}]`},
		{"each region, the primary one first", []string{"1 watch state=ready region=hel1", "2 watch state=timed-out"},
			`[{"outcome":"timed-out","outcomeSince":2},{"region":"hel1","outcome":"ready","outcomeSince":1}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := play(t, tt.events...)
			var meta struct {
				Watch []map[string]any `json:"watch"`
			}
			if err := json.Unmarshal(h.graph.Flow().Wire().Meta, &meta); err != nil {
				t.Fatal(err)
			}
			for _, w := range meta.Watch {
				for _, key := range []string{"since", "outcomeSince"} {
					if ms, ok := w[key].(float64); ok {
						w[key] = (int64(ms) - noon.UnixMilli()) / 1000
					}
				}
			}
			got, _ := json.Marshal(meta.Watch)
			var want any
			_ = json.Unmarshal([]byte(tt.want), &want)
			if sorted, _ := json.Marshal(want); string(got) != string(sorted) {
				t.Errorf("got %s\nwant %s", got, sorted)
			}
			if c := h.and(tt.events[len(tt.events)-1]); len(c.Transitions)+len(c.Executions) > 0 || h.graph.Flow().Status != flow.Pending {
				t.Errorf("it is no job: %+v", c.Changes)
			}
		})
	}
}

// What the newer fields say is part of what recognises an event; one that says none of it
// is recognised as it always was.
func TestFinerFieldsAreFingerprinted(t *testing.T) {
	t.Parallel()
	base := "1 - c=x state=installed"
	seen := map[string]string{}
	for _, more := range []string{"", "ns=a", "finer=a", "reason=a", "began=1", "asof=1", "rev=1", "failures=1", "ns=a finer=a", "list=-", "list=a"} {
		sum := fmt.Sprintf("%x", bridge.NewFingerprints("").Of(parse(t, base+" "+more)))
		if same := seen[sum]; same != "" {
			t.Errorf("%q and %q are taken for one", same, more)
		}
		seen[sum] = cmp.Or(more, "nothing more")
	}
	if seen["78d6f48b78a489f982169e4d0e647f34"] != "nothing more" {
		t.Errorf("an event of before is recognised no more: %v", seen)
	}
}

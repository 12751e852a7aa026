package helmwatch_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/helmwatch"
)

func TestSelection(t *testing.T) {
	t.Parallel()
	u := object(t, "installed") // flux-system/bp-gitea
	u.SetLabels(map[string]string{"tier": "kit"})
	for name, tt := range map[string]struct {
		of   helmwatch.Selection
		want bool
	}{
		"by default":           {helmwatch.Selection{Prefix: "bp-"}, true},
		"all":                  {helmwatch.Selection{}, true},
		"another prefix":       {helmwatch.Selection{Prefix: "app-"}, false},
		"its namespace":        {helmwatch.Selection{Namespaces: []string{"apps", "flux-system"}}, true},
		"another namespace":    {helmwatch.Selection{Namespaces: []string{"apps"}}, false},
		"its label":            {helmwatch.Selection{Labels: labels.SelectorFromSet(labels.Set{"tier": "kit"})}, true},
		"another label":        {helmwatch.Selection{Labels: labels.SelectorFromSet(labels.Set{"tier": "app"})}, false},
		"all three, one wrong": {helmwatch.Selection{Prefix: "bp-", Namespaces: []string{"flux-system"}, Labels: labels.Nothing()}, false},
	} {
		if got := tt.of.Has(u); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatIsSaidOfTheWhole(t *testing.T) {
	t.Parallel()
	gitea := helmwatch.Release{Namespace: "flux-system", Name: "bp-gitea"}
	redis := helmwatch.Release{Namespace: "apps", Name: "redis"}
	at := noon.Add(1_234_567_890)
	for _, e := range []bridge.Event{
		helmwatch.Deleted(redis, "hel1", at, noon),
		helmwatch.Listed([]helmwatch.Release{redis, gitea}, "", at),
		helmwatch.Listed(nil, "", at),
		helmwatch.Whole(bridge.WatchWatching, "", "", at),
		helmwatch.Whole(bridge.WatchBlind, "connection refused", "hel1", at),
		helmwatch.Whole(bridge.WatchReconciling, "", "", at),
		helmwatch.Whole(bridge.WatchReady, "", "", at),
		helmwatch.Whole(bridge.WatchFailed, "bp-gitea failed", "", at),
		helmwatch.Whole(bridge.WatchTimedOut, "after 1h0m0s", "", at),
		helmwatch.Whole(bridge.WatchNothing, "check helm-controller", "", at),
	} {
		roundTrip(t, e)
	}
	if e := helmwatch.Deleted(redis, "", at, noon); second(e.Time) != "1.234567" || e.Component != "redis" || e.Namespace != "apps" {
		t.Errorf("%+v", e)
	}
}

// Another release of the name was made before it was heard here that the first one is gone,
// or by a clock that is behind ours.
func TestAReleaseThatComesAtOnceAfterItsNamesakeIsShown(t *testing.T) {
	t.Parallel()
	last := observe(t, object(t, "installed"))
	for _, gone := range []struct {
		how   string
		event bridge.Event
		after time.Duration // in which the next one is made
	}{
		{"deleted", helmwatch.Deleted(last.Release, "", later, last.AsOf), 0},
		{"not there when it was looked", helmwatch.Listed(nil, "", later), time.Second},
	} {
		t.Run(gone.how, func(t *testing.T) {
			t.Parallel()
			h := watch(t, "installed")
			h.see([]bridge.Event{gone.event})
			if _, there := h.graph.Job("d1:install-gitea"); there {
				t.Fatal("it is still shown")
			}
			next := object(t, "fresh")
			next.SetCreationTimestamp(metav1.NewTime(last.AsOf.Add(gone.after)))
			h.see(observe(t, next).Events(""))
			if j := h.job("install-gitea"); j.Status != flow.Pending {
				t.Errorf("it is %s", j.Status)
			}
		})
	}
}

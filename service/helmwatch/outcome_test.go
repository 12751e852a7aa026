package helmwatch

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/openova-io/provflow/service/bridge"
)

var began = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// at makes a release that was made at noon and is in that state; "" is one that no
// controller has touched.
func at(name, state string) seen {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetCreationTimestamp(metav1.Time{Time: began})
	if state != "" {
		_ = unstructured.SetNestedSlice(u.Object, []any{map[string]any{"type": "Ready"}}, "status", "conditions")
	}
	return seen{Observation{Release: Release{"flux-system", name}, State: orPending(state), At: began}, u}
}

func orPending(state string) string {
	if state == "" {
		return bridge.StatePending
	}
	return state
}

func TestHowAClusterCameOut(t *testing.T) {
	t.Parallel()
	installed, failed, running := at("a", bridge.StateInstalled), at("b", bridge.StateFailed), at("c", bridge.StateInstalling)
	upgrading := running
	upgrading.Past = []Attempt{{State: bridge.StateInstalled}}
	upgrading.At = began.Add(50 * time.Minute)
	limits := Limits{Install: time.Hour, First: 10 * time.Minute}
	for name, c := range map[string]struct {
		all     []seen
		after   time.Duration
		state   string
		message string
	}{
		"nothing is there yet":          {nil, time.Minute, bridge.WatchReconciling, ""},
		"nothing was ever there":        {nil, 10 * time.Minute, bridge.WatchNothing, "flux get kustomizations"},
		"nobody touches what is there":  {[]seen{at("a", ""), at("b", "")}, 10 * time.Minute, bridge.WatchNothing, "none of 2 releases"},
		"one was touched":               {[]seen{at("a", ""), running}, 10 * time.Minute, bridge.WatchReconciling, ""},
		"all are installed":             {[]seen{installed, installed}, 2 * time.Hour, bridge.WatchReady, "all 2"},
		"one has failed":                {[]seen{installed, failed, running}, time.Minute, bridge.WatchFailed, "1 of 3 releases have failed: b"},
		"one takes too long":            {[]seen{installed, failed, running}, time.Hour, bridge.WatchTimedOut, "after 1h0m0s: c"},
		"what was installed begins new": {[]seen{installed, upgrading}, time.Hour, bridge.WatchReconciling, ""},
		"and may take too long as well": {[]seen{installed, upgrading}, 110 * time.Minute, bridge.WatchTimedOut, "1 of 2"},
	} {
		got := outcomeOf(c.all, began, began.Add(c.after), limits)
		if got.state != c.state || !strings.Contains(got.message, c.message) {
			t.Errorf("%s: %+v", name, got)
		}
		if got := outcomeOf(c.all, began, began.Add(c.after), Limits{}); got.state == bridge.WatchNothing || got.state == bridge.WatchTimedOut {
			t.Errorf("%s, without limits: %+v", name, got)
		}
	}
}

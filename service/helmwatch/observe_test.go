package helmwatch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/openova-io/provflow/service/helmwatch"
)

var (
	noon  = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	later = noon.Add(time.Hour) // when the objects are looked at
)

// object reads one of testdata/releases.
func object(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "releases", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func parse(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	body, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(body); err != nil {
		t.Fatal(err)
	}
	return u
}

func observe(t *testing.T, u *unstructured.Unstructured) helmwatch.Observation {
	t.Helper()
	o, err := helmwatch.Observe(u, later)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// second gives a time as seconds after noon.
func second(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%g", t.Sub(noon).Seconds())
}

// shown writes an observation on one line: `state/finer reason @second v1.2.3`, then the
// attempt that is about as `r2 from 401`, then what is past.
func shown(o helmwatch.Observation) string {
	s := o.State
	if o.Finer != "" {
		s += "/" + o.Finer
	}
	if o.Reason != "" {
		s += " " + o.Reason
	}
	s += " @" + second(o.At)
	if o.ChartVersion != "" {
		s += " v" + o.ChartVersion
	}
	if !o.Attempt.Began.IsZero() {
		s += fmt.Sprintf(" r%d from %s", o.Attempt.Revision, second(o.Attempt.Began))
	}
	for _, a := range o.Past {
		s += fmt.Sprintf("; r%d %s %s-%s v%s", a.Revision, a.State, second(a.Began), second(a.Ended), a.ChartVersion)
	}
	if o.Before != nil {
		s += ", after " + shown(*o.Before)
	}
	return s
}

func TestObserve(t *testing.T) {
	t.Parallel()
	tests := []struct{ object, want string }{
		{"fresh", "pending @0 v1.1.2"},
		{"fresh_finalizer", "pending @3 v1.1.2"},
		{"preparing", "pending @4 v1.1.2"},
		{"waiting_dependency", "pending/waiting DependencyNotReady @5 v1.1.2"},
		{"waiting_source", "pending/waiting SourceNotReady @6 v1.1.2"},
		{"waiting_artifact_installed", "pending/waiting ArtifactFailed @300 v1.2.0; r1 installed 20-70 v1.1.2"},
		{"installing", "installing Progressing @18 v1.1.2"},
		{"installed", "installed InstallSucceeded @70 v1.1.2 r1 from 20"},
		{"looked_after", "installed InstallSucceeded @70 v1.1.2 r1 from 20"},
		{"generation_ahead", "pending @70 v1.2.0; r1 installed 20-70 v1.1.2"},
		{"upgrading", "installing Progressing @400 v1.2.0; r1 installed 20-70 v1.1.2"},
		{"upgraded", "installed UpgradeSucceeded @450 v1.2.0 r2 from 401; r1 installed 20-20 v1.1.2"},
		{"retrying", "installing/retrying InstallFailed @320 v1.1.2; r1 failed 20-320 v1.1.2"},
		{"retrying_unremembered", "installing/retrying InstallFailed @30 v1.1.2"},
		{"second_try", "installing Progressing @330 v1.1.2; r1 failed 20-320 v1.1.2"},
		{"many_tries", "installed UpgradeSucceeded @700 v1.1.2 r3 from 640; r1 failed 20-20 v1.1.2; r2 failed 330-330 v1.1.2"},
		{"canceled", "installing/retrying HealthCheckCanceled @40 v1.1.2"},
		{"remediating", "failed/remediating UpgradeFailed @500 v1.2.0 r2 from 401; r1 installed 20-20 v1.1.2"},
		{"rolled_back", "failed/rolled-back RollbackSucceeded @500 v1.2.0 r2 from 401; r1 installed 20-20 v1.1.2"},
		{"rolled_back_stalled", "failed/rolled-back RetriesExceeded @500 v1.2.0 r2 from 401; r1 installed 20-20 v1.1.2"},
		{"stalled", "failed/stalled RetriesExceeded @955 v1.1.2 r1 from 655"},
		{"stalled_and_changed", "pending @960 v1.1.2, after failed/stalled RetriesExceeded @955 v1.1.2"},
		{"stalled_untried", "failed/stalled AccessDenied @9 v1.1.2"},
		{"test_failed", "failed TestFailed @90 v1.1.2 r1 from 20"},
		{"suspended_installed", "installed/suspended Suspended @70 v1.1.2 r1 from 20"},
		{"suspended_failed", "failed/suspended Suspended @320 v1.1.2 r1 from 20"},
		{"suspended_installing", "installing/suspended Suspended @18 v1.1.2"},
		{"suspended_new", "pending/suspended Suspended @0 v1.1.2"},
		{"drift_corrected", "installing Progressing @990 v1.1.2; r1 installed 20-70 v1.1.2"},
		{"values_changed", "installed UpgradeSucceeded @450 v1.1.2 r2 from 401; r1 installed 20-20 v1.1.2"},
		{"chart_ref", "installed InstallSucceeded @70 v1.1.2+8f2c1d9a77b0 r1 from 20"},
		{"chart_ref_waiting", "pending/waiting SourceNotReady @6"},
		{"version_range", "installing Progressing @18 v1.1.2"},
		{"v2beta2", "installed ReconciliationSucceeded @70 v1.1.2"},
		{"unknown_fields", "installed InstallSucceeded @70 v1.1.2 r1 from 20"},
		{"times_missing", "installed InstallSucceeded @3600 v1.1.2"},
		{"condition_time_missing", "installed InstallSucceeded @69 v1.1.2 r1 from 20"},
		{"clock_ahead", "installed InstallSucceeded @3600 v1.1.2"},
		{"deleting", "installed/uninstalling Deleting @70 v1.1.2 r1 from 20"},
		{"elsewhere", "pending @4 v1.1.2"},
	}
	for _, tt := range tests {
		t.Run(tt.object, func(t *testing.T) {
			t.Parallel()
			if got := shown(observe(t, object(t, tt.object))); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	files, err := filepath.Glob(filepath.Join("testdata", "releases", "*.yaml"))
	if err != nil || len(files) != len(tests) {
		t.Errorf("%d objects and %d tests: %v", len(files), len(tests), err)
	}
}

func TestObserveTellsWhatItWaitsForAndWhy(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"waiting_dependency":  "dependency 'identity/bp-keycloak' is not ready",
		"waiting_source":      "HelmChart 'flux-system/flux-system-bp-gitea' is not ready",
		"retrying":            "context deadline exceeded; retrying after 5m0s",
		"rolled_back_stalled": "Failed to upgrade after 1 attempt(s); Helm rollback to previous release",
	} {
		if got := observe(t, object(t, name)).Message; !strings.Contains(got, want) {
			t.Errorf("%s says %q, want …%s…", name, got, want)
		}
	}
}

func TestObserveAlwaysSpeaksOfDependencies(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"fresh":     {"bp-cilium", "identity/bp-keycloak"},
		"installed": {},
		"elsewhere": {"bp-cilium", "identity/bp-keycloak", "flux-system/bp-sealed-secrets"},
	} {
		events := observe(t, object(t, name)).Events("")
		got := events[len(events)-1].DependsOn
		if got == nil || !slices.Equal(got, want) {
			t.Errorf("%s depends on %q, want %q", name, got, want)
		}
	}
}

// The same object says the same, whenever and by whomever it is looked at, and is as of
// the last time somebody wrote it.
func TestObserveIsOfTheObjectAlone(t *testing.T) {
	t.Parallel()
	u := object(t, "upgraded")
	at := func(hours int) string {
		o, err := helmwatch.Observe(u, noon.Add(time.Duration(hours)*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(o)
		return string(text)
	}
	if at(1) != at(1000) {
		t.Errorf("%s\n%s", at(1), at(1000))
	}
	u.SetManagedFields(nil)
	if got := second(observe(t, u).AsOf); got != "450" {
		t.Errorf("as of %s", got)
	}
	u = parse(t, []byte(`{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: bp-x, namespace: a,
  creationTimestamp: "2026-04-01T12:00:00Z", managedFields: [{manager: helm-controller, time: "2026-04-01T12:30:00Z"}]}}`))
	if got := second(observe(t, u).AsOf); got != "1800" {
		t.Errorf("as of %s", got)
	}
}

func TestObserveRefusesAnotherForm(t *testing.T) {
	t.Parallel()
	u := parse(t, []byte(`{apiVersion: helm.toolkit.fluxcd.io/v9, kind: HelmRelease, metadata: {name: bp-x, namespace: a}, status: {conditions: none}}`))
	if _, err := helmwatch.Observe(u, later); err == nil || !strings.Contains(err.Error(), "a/bp-x") {
		t.Errorf("got %v", err)
	}
}

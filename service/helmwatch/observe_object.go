package helmwatch

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/openova-io/provflow/service/bridge"
)

// release is a HelmRelease that is being read.
type release struct {
	object
	asOf time.Time
}

// object is what is read of a HelmRelease. The controller's own Go types bring a good part
// of Kubernetes with them, and only know the versions of their day.
type object struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Suspend   bool        `json:"suspend"`
		DependsOn []reference `json:"dependsOn"`
		Chart     struct {
			Spec struct {
				Version string `json:"version"`
			} `json:"spec"`
		} `json:"chart"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration      int64              `json:"observedGeneration"`
		Conditions              []metav1.Condition `json:"conditions"`
		History                 []snapshot         `json:"history"`
		LastAttemptedGeneration int64              `json:"lastAttemptedGeneration"`
		LastAttemptedRevision   string             `json:"lastAttemptedRevision"`
		LastAppliedRevision     string             `json:"lastAppliedRevision"` // of versions before v2
		InstallFailures         int                `json:"installFailures"`
		UpgradeFailures         int                `json:"upgradeFailures"`
	} `json:"status"`
}

type reference struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// snapshot is one Helm release that the controller made, as it remembers it.
type snapshot struct {
	Version      int         `json:"version"`
	Status       string      `json:"status"`
	Action       string      `json:"action"`
	ChartVersion string      `json:"chartVersion"`
	ConfigDigest string      `json:"configDigest"`
	LastDeployed metav1.Time `json:"lastDeployed"`
	Deleted      metav1.Time `json:"deleted"`
	TestHooks    map[string]struct {
		Phase string `json:"phase"`
	} `json:"testHooks"`
}

// Condition types and reasons, and what else the controllers call things.
const (
	condReady       = "Ready"
	condReconciling = "Reconciling"
	condStalled     = "Stalled"
	condReleased    = "Released"
	condRemediated  = "Remediated"

	reasonRetry           = "ProgressingWithRetry"
	reasonCanceled        = "HealthCheckCanceled" // it begins anew at once
	reasonTestFailed      = "TestFailed"
	reasonRollbackDone    = "RollbackSucceeded"
	reasonDependency      = "DependencyNotReady"
	reasonArtifact        = "ArtifactFailed"
	reasonSource          = "SourceNotReady"
	reasonHelmChart       = "HelmChartNotReady" // of older controllers
	preparing             = "Fulfilling prerequisites"
	runningRollback       = "Running 'rollback'"
	runningUninstall      = "Running 'uninstall'"
	snapshotDeployed      = "deployed"
	snapshotSuperseded    = "superseded"
	snapshotFailed        = "failed"
	snapshotUninstalled   = "uninstalled"
	snapshotRolledBack    = "rollback" // an action
	snapshotTestHookFails = "Failed"
)

var waitingReasons = []string{reasonDependency, reasonArtifact, reasonSource, reasonHelmChart}

// epoch is the first time believed; before it a clock was not set.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func decode(u *unstructured.Unstructured) (*release, error) {
	var r release
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &r.object); err != nil {
		return nil, fmt.Errorf("HelmRelease %s/%s is not of a form that is known: %w", u.GetNamespace(), u.GetName(), err)
	}
	return &r, nil
}

// settleTimes makes all times fit to be compared and sent on, and finds the latest of
// them: that is when the object was last seen to change.
func (r *release) settleTimes(now time.Time) {
	fit := func(t *metav1.Time) {
		switch {
		case t == nil:
		case t.Before(&metav1.Time{Time: epoch}):
			*t = metav1.Time{}
		default:
			if t.After(now.Add(bridge.MaxClockSkew)) {
				t.Time = now
			}
			t.Time = t.UTC().Truncate(time.Microsecond)
			r.asOf = laterOf(r.asOf, t.Time)
		}
	}
	fit(&r.Metadata.CreationTimestamp)
	fit(r.Metadata.DeletionTimestamp)
	for i := range r.Metadata.ManagedFields {
		fit(r.Metadata.ManagedFields[i].Time)
	}
	for i := range r.Status.Conditions {
		fit(&r.Status.Conditions[i].LastTransitionTime)
	}
	for i := range r.Status.History {
		fit(&r.Status.History[i].LastDeployed)
		fit(&r.Status.History[i].Deleted)
	}
	if r.asOf.IsZero() {
		r.asOf = now.UTC().Truncate(time.Microsecond)
	}
}

// condition gives a condition; the zero one where there is none, and without a time the
// object's own.
func (r *release) condition(typ string) metav1.Condition {
	i := slices.IndexFunc(r.Status.Conditions, func(c metav1.Condition) bool { return c.Type == typ })
	if i < 0 {
		return metav1.Condition{}
	}
	c := r.Status.Conditions[i]
	if c.LastTransitionTime.IsZero() {
		c.LastTransitionTime.Time = r.asOf
	}
	return c
}

func (r *release) dependsOn() []Release {
	releases := []Release{}
	for _, d := range r.Spec.DependsOn {
		named := Release(d)
		if named.Namespace == "" {
			named.Namespace = r.Metadata.Namespace
		}
		if named.Name != "" && !slices.Contains(releases, named) {
			releases = append(releases, named)
		}
	}
	return releases
}

func laterOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

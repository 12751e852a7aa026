package k8stest

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// controller stands in for helm-controller: it writes of releases what the real one does,
// in the same order, with the same conditions, reasons and generations, and takes no time.
type controller struct {
	releases
	door *door
}

func (c *cluster) controller() controller { return controller{c.releases(), c.door} }

// condition is one of a release's conditions; its transition time moves with its status.
type condition struct{ kind, status, reason, message string }

// set writes conditions, in place of all there were, and whatever else change does.
func (c controller) set(name string, observed bool, change func(u *unstructured.Unstructured), conditions ...condition) {
	c.t.Helper()
	u := c.get(name)
	if change != nil {
		change(u)
	}
	had := conditionsOf(u)
	list := []any{}
	for _, n := range conditions {
		since := time.Now().UTC().Format(time.RFC3339)
		if old, ok := had[n.kind]; ok && old["status"] == n.status {
			since = old["lastTransitionTime"].(string)
		}
		list = append(list, map[string]any{
			"type": n.kind, "status": n.status, "reason": n.reason, "message": n.message,
			"lastTransitionTime": since, "observedGeneration": u.GetGeneration(),
		})
	}
	c.must(unstructured.SetNestedSlice(u.Object, list, "status", "conditions"))
	if observed {
		c.must(unstructured.SetNestedField(u.Object, u.GetGeneration(), "status", "observedGeneration"))
	}
	c.status(u)
}

// conditionsOf gives a release's conditions by type.
func conditionsOf(u *unstructured.Unstructured) map[string]map[string]any {
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	by := map[string]map[string]any{}
	for _, n := range list {
		n := n.(map[string]any)
		by[n["type"].(string)] = n
	}
	return by
}

// waits: the release cannot begin before another is ready.
func (c controller) waits(name, on string) {
	c.t.Helper()
	c.set(name, false, nil,
		condition{"Reconciling", "True", "Progressing", "Fulfilling prerequisites"},
		condition{"Ready", "False", "DependencyNotReady", fmt.Sprintf("dependency 'flux-system/bp-%s' is not ready", on)})
	c.log(name, fmt.Sprintf("dependencies do not meet ready condition (dependency 'flux-system/bp-%s' is not ready): retrying in 30s", on))
}

// installs: an attempt runs.
func (c controller) installs(name string) {
	c.t.Helper()
	message := "Running 'install' action with timeout of 15m0s"
	c.set(name, false, nil,
		condition{"Reconciling", "True", "Progressing", message},
		condition{"Ready", "Unknown", "Progressing", message})
	c.log(name, "running 'install' action with timeout of 15m0s")
}

// installed: it has ended well.
func (c controller) installed(name string) {
	c.t.Helper()
	version := c.version(name)
	message := fmt.Sprintf("Helm install succeeded for release %s/%s.v1 with chart bp-%s@%s", name, name, name, version)
	c.set(name, true, func(u *unstructured.Unstructured) { c.remember(u, name, version, "deployed") },
		condition{"Ready", "True", "InstallSucceeded", message},
		condition{"Released", "True", "InstallSucceeded", message})
	c.log(name, "release in-sync with desired state")
}

// fails: it has ended badly; the controller will try again.
func (c controller) fails(name string) {
	c.t.Helper()
	version := c.version(name)
	message := fmt.Sprintf("Helm install failed for release %s/%s with chart bp-%s@%s: context deadline exceeded", name, name, name, version)
	c.set(name, true, func(u *unstructured.Unstructured) {
		c.remember(u, name, version, "failed")
		n, _, _ := unstructured.NestedInt64(u.Object, "status", "installFailures")
		c.must(unstructured.SetNestedField(u.Object, n+1, "status", "installFailures"))
		c.must(unstructured.SetNestedField(u.Object, n+1, "status", "failures"))
	},
		condition{"Ready", "False", "InstallFailed", message},
		condition{"Released", "False", "InstallFailed", message})
	c.log(name, "release is in a failed state")
}

// remember puts an attempt into the history, newest first.
func (c controller) remember(u *unstructured.Unstructured, name, version, status string) {
	c.t.Helper()
	history, _, _ := unstructured.NestedSlice(u.Object, "status", "history")
	now := time.Now().UTC().Format(time.RFC3339)
	entry := map[string]any{
		"name": name, "namespace": name, "version": int64(len(history) + 1), "status": status, "chartName": "bp-" + name, "chartVersion": version,
		"appVersion": "1", "digest": "sha256:0", "configDigest": "sha256:0", "firstDeployed": now, "lastDeployed": now,
	}
	c.must(unstructured.SetNestedSlice(u.Object, append([]any{entry}, history...), "status", "history"))
	c.must(unstructured.SetNestedField(u.Object, version, "status", "lastAttemptedRevision"))
	c.must(unstructured.SetNestedField(u.Object, "install", "status", "lastAttemptedReleaseAction"))
	c.must(unstructured.SetNestedField(u.Object, u.GetGeneration(), "status", "lastAttemptedGeneration"))
}

func (c controller) version(name string) string {
	c.t.Helper()
	version, _, err := unstructured.NestedString(c.get(name).Object, "spec", "chart", "spec", "version")
	c.must(err)
	return version
}

// log writes a line as the controller does, in JSON, with its time in front as the kubelet.
func (c controller) log(name, message string) {
	at := time.Now().UTC()
	c.door.say(fmt.Sprintf(`%s {"level":"info","ts":%q,"msg":%q,"controller":"helmrelease","controllerGroup":"helm.toolkit.fluxcd.io",`+
		`"controllerKind":"HelmRelease","HelmRelease":{"name":"bp-%s","namespace":"flux-system"},"namespace":"flux-system","name":"bp-%s","reconcileID":"0"}`,
		at.Format("2006-01-02T15:04:05.000000000Z"), at.Format("2006-01-02T15:04:05.000Z"), message, name, name))
}

// drive brings releases to their end, in the order given, which is that of their
// dependencies: each waits for one it depends on, is installed, and some fail once before.
func (c controller) drive(components []component) {
	c.t.Helper()
	for _, n := range components {
		if len(n.DependsOn) > 0 {
			c.waits(n.Name, n.DependsOn[0])
		}
		c.installs(n.Name)
		if n.fails {
			c.fails(n.Name)
			c.installs(n.Name)
		}
		c.installed(n.Name)
	}
}

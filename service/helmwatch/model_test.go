package helmwatch_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"
)

// controller is a small stand-in for helm-controller: what it does to one release, and what
// the object says of itself after each step.
type controller struct {
	now        time.Time
	generation int64
	observed   int64
	version    int
	tries      int
	values     int    // changed with the wanted version, or without
	tried      [2]int // version and values of the last attempt
	suspended  bool
	running    bool
	failures   int64
	revision   int64
	conditions map[string]map[string]any
	history    []map[string]any
	dependsOn  []any
	helmKnows  bool // of each attempt: none fails before Helm has made a release of it
	seen       []*unstructured.Unstructured
}

func newController() *controller {
	c := &controller{now: noon, generation: 1, conditions: map[string]map[string]any{}}
	c.show()
	return c
}

// step does one of the things that can happen now.
func (c *controller) step(t *rapid.T) {
	c.now = c.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
	can := map[string]func(*rapid.T){"suspend": c.suspend, "depend": c.depend}
	switch {
	case c.suspended:
		can["resume"] = c.resume
	case c.running:
		can["succeed"], can["fail"] = c.succeed, c.fail
	case c.retrying(): // that it is to be retried is not said any more once it is looked at: only who heard of it knows
		can["want"], can["begin"] = c.want, c.begin
	default:
		can["want"], can["wait"], can["begin"], can["look"] = c.want, c.wait, c.begin, c.look
	}
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(can))).Draw(t, "step")
	can[name](t)
	c.show()
}

func (c *controller) retrying() bool {
	return c.conditions["Reconciling"] != nil && c.conditions["Reconciling"]["reason"] == "ProgressingWithRetry"
}

func (c *controller) suspend(*rapid.T) { c.suspended = true; c.generation++ }
func (c *controller) resume(*rapid.T)  { c.suspended = false; c.generation++ }

func (c *controller) depend(t *rapid.T) {
	c.dependsOn = nil
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"bp-a", "bp-b", "bp-c"}), 0, 3, rapid.ID).Draw(t, "on") {
		c.dependsOn = append(c.dependsOn, map[string]any{"name": name})
	}
	c.generation++
}

func (c *controller) want(t *rapid.T) {
	c.version += rapid.IntRange(0, 1).Draw(t, "newer") // else other values of the same chart
	c.values++
	c.generation++
}

func (c *controller) look(*rapid.T) {
	c.set("Reconciling", "True", "Progressing", "Fulfilling prerequisites")
}

func (c *controller) wait(t *rapid.T) {
	c.look(t)
	c.set("Ready", "False", "DependencyNotReady", "dependency 'flux-system/bp-a' is not ready")
}

func (c *controller) begin(*rapid.T) {
	c.running = true
	c.tries++
	if wanted := [2]int{c.version, c.values}; wanted != c.tried {
		c.tried, c.failures = wanted, 0
	}
	delete(c.conditions, "Stalled")
	c.set("Reconciling", "True", "Progressing", "Running 'upgrade' action with timeout of 5m0s")
	c.set("Ready", "Unknown", "Progressing", "Running 'upgrade' action with timeout of 5m0s")
}

func (c *controller) succeed(t *rapid.T) {
	c.end(t, "deployed")
	c.failures, c.observed = 0, c.generation
	delete(c.conditions, "Reconciling")
	c.set("Ready", "True", "UpgradeSucceeded", "it worked")
	c.set("Released", "True", "UpgradeSucceeded", "it worked")
}

func (c *controller) fail(t *rapid.T) {
	if c.running = false; c.helmKnows || rapid.Bool().Draw(t, "made a release") {
		c.end(t, "failed")
	}
	c.failures++
	c.set("Ready", "False", "UpgradeFailed", "it did not work")
	c.set("Released", "False", "UpgradeFailed", "it did not work")
	if rapid.Bool().Draw(t, "retry") {
		c.set("Reconciling", "True", "ProgressingWithRetry", "retrying after 5m0s")
		return
	}
	delete(c.conditions, "Reconciling")
	c.set("Stalled", "True", "RetriesExceeded", "it was tried often enough")
	c.observed = c.generation
}

// end remembers the attempt, which began somewhat before now.
func (c *controller) end(t *rapid.T, status string) {
	c.running = false
	c.revision++
	began := c.now
	c.now = c.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "took")) * time.Second)
	for _, s := range c.history {
		if s["status"] == "deployed" && status == "deployed" {
			s["status"] = "superseded"
		}
	}
	c.history = append(c.history, map[string]any{
		"version": c.revision, "status": status, "chartVersion": c.chart(), "configDigest": fmt.Sprint(c.tried),
		"lastDeployed": wire(began), "firstDeployed": wire(noon), "action": "upgrade",
	})
}

func (c *controller) chart() string { return fmt.Sprintf("1.%d.0", c.tried[0]) }

func (c *controller) set(typ, status, reason, message string) {
	c.conditions[typ] = map[string]any{
		"type": typ, "status": status, "reason": reason, "message": message, "observedGeneration": c.generation, "lastTransitionTime": wire(c.now),
	}
}

// show notes what the object says now.
func (c *controller) show() {
	status := map[string]any{"observedGeneration": c.observed, "installFailures": c.failures}
	if c.tries > 0 {
		status["lastAttemptedRevision"] = c.chart()
	}
	var conditions, history []any
	for _, typ := range slices.Sorted(maps.Keys(c.conditions)) {
		conditions = append(conditions, c.conditions[typ])
	}
	for _, s := range c.history {
		history = append(history, maps.Clone(s))
	}
	status["conditions"], status["history"] = conditions, history
	c.seen = append(c.seen, &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{
			"name": "bp-gitea", "namespace": "flux-system", "generation": c.generation, "creationTimestamp": wire(noon),
			"managedFields": []any{map[string]any{"manager": "helm-controller", "time": wire(c.now)}},
		},
		"spec":   map[string]any{"suspend": c.suspended, "dependsOn": c.dependsOn},
		"status": status,
	}})
}

func wire(t time.Time) string { return t.Format(time.RFC3339) }

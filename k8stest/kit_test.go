package k8stest

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// component is a release of the bootstrap kit that the demo plays.
type component struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Namespace string   `json:"namespace"`
	DependsOn []string `json:"dependsOn"`

	fails bool // the first attempt at it does
}

// kit gives the 35 releases of a real bootstrap kit, each after those it depends on.
func kit(t testing.TB) []component {
	t.Helper()
	text, err := os.ReadFile("../cmd/provflow/demo/kit.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []component
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 35 {
		t.Fatalf("the kit has %d releases", len(all))
	}
	all = inOrder(t, all)
	for i := 3; i < len(all); i += 7 {
		all[i].fails = true
	}
	return all
}

func inOrder(t testing.TB, all []component) []component {
	t.Helper()
	var sorted []component
	done := map[string]bool{}
	for range all {
		for _, c := range all {
			if ready := !done[c.Name] && allOf(c.DependsOn, done); ready {
				sorted, done[c.Name] = append(sorted, c), true
			}
		}
	}
	if len(sorted) != len(all) {
		t.Fatal("the kit's dependencies have a cycle")
	}
	return sorted
}

func allOf(names []string, in map[string]bool) bool {
	for _, n := range names {
		if !in[n] {
			return false
		}
	}
	return true
}

// object is the component as Flux's HelmRelease.
func (c component) object() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"kind":     "HelmRelease",
		"metadata": map[string]any{"name": "bp-" + c.Name, "namespace": "flux-system"},
		"spec": map[string]any{
			"interval": "15m", "releaseName": c.Name, "targetNamespace": c.Namespace, "dependsOn": dependsOn(c.DependsOn...),
			"chart": map[string]any{"spec": map[string]any{
				"chart": "bp-" + c.Name, "version": c.Version, "sourceRef": map[string]any{"kind": "HelmRepository", "name": "bp-" + c.Name},
			}},
		},
	}}
}

func dependsOn(names ...string) []any {
	list := []any{}
	for _, n := range names {
		list = append(list, map[string]any{"name": "bp-" + n})
	}
	return list
}

// write is one write to the API server, and the version of the object that it made.
type write struct {
	begun   time.Time
	version string
}

// releases are the HelmReleases of a cluster, as somebody with every right sees them.
type releases struct {
	t       testing.TB
	version string
	of      dynamic.ResourceInterface
	last    *write // of a status
}

func (c *cluster) releases() releases {
	return releases{c.t, c.version, c.client().Resource(c.helmReleases()).Namespace("flux-system"), &write{}}
}

func (r releases) create(components ...component) {
	r.t.Helper()
	for _, c := range components {
		u := c.object()
		u.SetAPIVersion("helm.toolkit.fluxcd.io/" + r.version)
		_, err := r.of.Create(context.Background(), u, metav1.CreateOptions{})
		r.must(err)
	}
}

func (r releases) delete(name string) {
	r.t.Helper()
	r.must(r.of.Delete(context.Background(), "bp-"+name, metav1.DeleteOptions{}))
}

func (r releases) get(name string) *unstructured.Unstructured {
	r.t.Helper()
	u, err := r.of.Get(context.Background(), "bp-"+name, metav1.GetOptions{})
	r.must(err)
	return u
}

func (r releases) all() []unstructured.Unstructured {
	r.t.Helper()
	list, err := r.of.List(context.Background(), metav1.ListOptions{})
	r.must(err)
	return list.Items
}

// change writes a release's spec; the API server counts its generation up.
func (r releases) change(name string, change func(spec map[string]any)) {
	r.t.Helper()
	u := r.get(name)
	change(u.Object["spec"].(map[string]any))
	_, err := r.of.Update(context.Background(), u, metav1.UpdateOptions{})
	r.must(err)
}

// status writes a release's status.
func (r releases) status(u *unstructured.Unstructured) {
	r.t.Helper()
	r.last.begun = time.Now()
	written, err := r.of.UpdateStatus(context.Background(), u, metav1.UpdateOptions{})
	r.must(err)
	r.last.version = written.GetResourceVersion()
}

func (r releases) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

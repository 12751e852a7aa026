package k8stest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/helmwatch"
)

// put makes a release of one of the objects that reading them is tested with, under a name
// of its own, and brings it to the generation and the status that the object has.
func (c *cluster) put(object string) (name string) {
	c.t.Helper()
	text, err := os.ReadFile("../service/helmwatch/testdata/releases/" + object + ".yaml")
	r := c.releases()
	r.must(err)
	u := &unstructured.Unstructured{}
	r.must(yaml.Unmarshal(text, &u.Object))
	wanted, status := u.GetGeneration(), u.Object["status"]
	name = strings.ReplaceAll(object, "_", "-")
	u.SetName("bp-" + name)
	u.SetResourceVersion("")
	u.SetUID("")
	u.SetFinalizers(nil)
	_, err = r.of.Create(context.Background(), u, metav1.CreateOptions{})
	r.must(err)
	for n := r.get(name).GetGeneration(); n < wanted; n++ {
		r.change(name, func(spec map[string]any) { spec["values"] = map[string]any{"n": n} })
	}
	if status != nil {
		u = r.get(name)
		u.Object["status"] = status
		r.status(u)
	}
	return name
}

// attempts gives how each attempt at a release came out, the first one first.
func (p *program) attempts(of, name string) string {
	p.t.Helper()
	var got struct{ Executions []struct{ Status string } }
	p.read(fmt.Sprintf("/api/v1/deployments/%s/jobs/install-%s", of, name), &got)
	slices.Reverse(got.Executions)
	words := ""
	for _, x := range got.Executions {
		words += " " + x.Status
	}
	return strings.TrimSpace(words)
}

// shown is what clients are told of a release: its status, what it is more finely, and the
// version of its chart.
func (v *view) shown(name string) string {
	n := v.nodes[deployment+":install-"+name]
	return fmt.Sprint(n.Status, " ", n.Meta.State, " ", n.Meta.ChartVersion)
}

// postPlainly reads the cluster once and posts what it says as plain events, as anybody may.
func postPlainly(t *testing.T, c *cluster, p *program, to string) {
	t.Helper()
	var body []byte
	for _, u := range c.releases().all() {
		o, err := helmwatch.Observe(&u, time.Now())
		c.releases().must(err)
		for _, e := range o.Events("") {
			line, err := json.Marshal(e.Wire())
			c.releases().must(err)
			body = append(append(body, line...), '\n')
		}
	}
	if status, text := p.call("POST", "/api/v1/deployments/"+to+"/provisioner-events", string(body)); status != http.StatusOK {
		t.Fatalf("posting: %d %s", status, text)
	}
}

// All that a release can be, as the real controllers write it. Nobody watched how it came to
// be so: the attempts are those that the object remembers.
func TestEveryStateIsShown(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	want := map[string][2]string{
		"fresh":               {"pending pending 1.1.2", ""},
		"waiting_dependency":  {"pending waiting 1.1.2", ""},
		"installing":          {"running installing 1.1.2", "running"},
		"retrying":            {"running retrying 1.1.2", "failed running"},
		"second_try":          {"running installing 1.1.2", "failed running"},
		"many_tries":          {"succeeded installed 1.1.2", "failed failed succeeded"},
		"stalled":             {"failed stalled 1.1.2", "failed"},
		"remediating":         {"failed remediating 1.2.0", "succeeded failed"},
		"rolled_back":         {"failed rolled-back 1.2.0", "succeeded failed"},
		"suspended_new":       {"pending suspended 1.1.2", ""},
		"suspended_failed":    {"failed suspended 1.1.2", "failed"},
		"suspended_installed": {"succeeded suspended 1.1.2", "succeeded"},
		"generation_ahead":    {"succeeded installed 1.1.2", "succeeded"},
		"upgraded":            {"succeeded installed 1.2.0", "succeeded succeeded"},
	}
	for object := range want {
		c.put(object)
	}
	_, p, s := provision(t, c)
	eventually(t, "all to be seen", func() bool { return p.snapshot(deployment).watch()["outcome"] != nil })
	v := p.snapshot(deployment)
	for object, want := range want {
		name := strings.ReplaceAll(object, "_", "-")
		if shown, attempts := v.shown(name), p.attempts(deployment, name); shown != want[0] || attempts != want[1] {
			t.Errorf("%s is %q after %q, want %q after %q", object, shown, attempts, want[0], want[1])
		}
	}
	if w := v.watch(); w["outcome"] != "failed" || !strings.Contains(fmt.Sprint(w["outcomeMessage"]), "bp-stalled") {
		t.Errorf("the watch has come out as %v", w)
	}

	postPlainly(t, c, p, "posted")
	if posted := strings.ReplaceAll(p.snapshot("posted").String(), "posted:", deployment+":"); posted != v.String() {
		t.Errorf("posted it is\n%s\nwatched it is\n%s", posted, v)
	}
	for object, want := range want {
		if got := p.attempts("posted", strings.ReplaceAll(object, "_", "-")); got != want[1] {
			t.Errorf("posted, the attempts at %s are %q", object, got)
		}
	}

	// What is seen while it happens: a new chart is a new attempt, and looking after it none.
	ctl, name := c.controller(), "suspended-installed"
	ctl.change(name, func(spec map[string]any) { delete(spec, "suspend") })
	ctl.installed(name)
	eventually(t, "it to go on", func() bool { return p.snapshot(deployment).shown(name) == "succeeded installed 1.1.2" })
	ctl.change(name, func(spec map[string]any) {
		spec["chart"].(map[string]any)["spec"].(map[string]any)["version"] = "2.0.0"
	})
	ctl.installs(name)
	eventually(t, "the upgrade to run", func() bool { return p.attempts(deployment, name) == "succeeded running" })
	ctl.installed(name)
	eventually(t, "the upgrade to end", func() bool { return p.snapshot(deployment).shown(name) == "succeeded installed 2.0.0" })
	if got := p.attempts(deployment, name); got != "succeeded succeeded" {
		t.Errorf("the attempts are %q", got)
	}
	eventually(t, "the subscriber to hold the snapshot", func() bool { return s.String() == p.snapshot(deployment).String() })
}

// How a cluster has come out is a fact of its flow, from nothing at all to ready.
func TestHowItComesOutIsSaid(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	i := install(t, dbtest.Empty(t))
	p := i.start("--watch-first", "1s", "--watch-timeout", "2s")
	p.known(deployment)
	i.give(deployment, c.door.kubeconfig())
	comesOut := func(outcome, words string) {
		t.Helper()
		var w map[string]any
		defer func() {
			if t.Failed() {
				t.Logf("it is said to be %v", w)
			}
		}()
		eventually(t, "it to come out as "+outcome, func() bool {
			w = p.now(deployment).watch()
			return w["outcome"] == outcome && strings.Contains(fmt.Sprint(w["outcomeMessage"]), words)
		})
	}
	comesOut("nothing-reconciles", "Check that Flux is installed")
	one := kit(t)[0]
	c.releases().create(one)
	comesOut("nothing-reconciles", "Check that helm-controller and source-controller run")
	ctl := c.controller()
	ctl.installs(one.Name)
	comesOut("timed-out", "1 of 1 releases are not installed after 2s: bp-"+one.Name)
	ctl.fails(one.Name)
	comesOut("failed", "1 of 1 releases have failed: bp-"+one.Name)
	ctl.installs(one.Name)
	ctl.installed(one.Name)
	comesOut("ready", "all 1 releases are installed")
}

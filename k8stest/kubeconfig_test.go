package k8stest

import (
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

func TestExpiredCredentialsAreReplacedWhileItRuns(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	i, p, s := provision(t, c)
	all := kit(t)[:8]
	c.releases().create(all...)
	agree(t, c, p, deployment, s)
	c.door.changeToken("second")
	eventually(t, "the flow to say that nobody can look", func() bool {
		w := p.snapshot(deployment).watch()
		message, _ := w["message"].(string)
		return w["state"] == "blind" && (strings.Contains(message, "nauthorized") || strings.Contains(message, "credentials"))
	})
	c.controller().drive(all)
	i.give(deployment, c.door.kubeconfig())
	agree(t, c, p, deployment, s)
	wantSight(t, p, "watching")
}

func TestADroppedKubeconfigIsNotWatched(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	i, p, s := provision(t, c)
	all := kit(t)[:4]
	c.releases().create(all...)
	agree(t, c, p, deployment, s)
	i.take(deployment)
	eventually(t, "it to stop", func() bool { return strings.Contains(p.said(), "not watching any more") })
	if w := p.snapshot(deployment).watch(); w["state"] != "blind" {
		t.Errorf("it is said to be watched: %v", w)
	}
	c.controller().drive(all)
	i.give(deployment, c.door.kubeconfig())
	agree(t, c, p, deployment, s)
}

// Flux comes to a cluster after its kubeconfig, and serves a version nobody here knows.
func TestALaterVersionThatComesLaterIsFound(t *testing.T) {
	t.Parallel()
	c := bareCluster(t)
	_, p, s := provision(t, c)
	wantSight(t, p, "watching")
	c.installFlux("v3")
	all := kit(t)[:4]
	c.releases().create(all...)
	c.controller().drive(all)
	agree(t, c, p, deployment, s)
}

// Each region has a cluster and a file of its own.
func TestRegionsAreWatchedEachByItsFile(t *testing.T) {
	t.Parallel()
	one, two := newCluster(t), newCluster(t)
	i := install(t, dbtest.Empty(t))
	p := i.start()
	p.known("om-1", "fsn1", "nbg-1")
	i.give("om-1", one.door.kubeconfig())
	i.give("om-1-nbg-1", two.door.kubeconfig())
	all := kit(t)[:2]
	one.releases().create(all...)
	two.releases().create(all...)
	one.controller().drive(all)
	eventually(t, "both to be shown", func() bool {
		v := p.now("om-1")
		return v.nodes["om-1:install-cert-manager"].Status == "succeeded" && v.nodes["om-1:install-nbg-1:cert-manager"].Status == "pending"
	})
	two.releases().delete(all[1].Name)
	eventually(t, "one to go", func() bool {
		v := p.snapshot("om-1")
		_, there := v.nodes["om-1:install-nbg-1:cert-manager"]
		return !there && v.nodes["om-1:install-cert-manager"].Status == "succeeded"
	})
}

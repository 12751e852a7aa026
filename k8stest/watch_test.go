package k8stest

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

const deployment = "omantel"

// provision starts a replica that watches the cluster, and a subscriber.
func provision(t *testing.T, c *cluster) (installation, *program, *subscriber) {
	t.Helper()
	i := install(t, dbtest.Empty(t))
	p := i.start()
	p.known(deployment)
	i.give(deployment, c.door.kubeconfig())
	return i, p, subscribe(t, p, deployment)
}

// The kit is installed while it is watched from the first moment to the last.
func TestTheKitIsShownAsTheClusterSays(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, p, s := provision(t, c)
	all := kit(t)
	c.releases().create(all...)
	agree(t, c, p, deployment, s)
	c.controller().drive(all[:20])
	c.controller().installs(all[20].Name)
	agree(t, c, p, deployment, s)
	if got := p.snapshot(deployment).flow["status"]; got != "running" {
		t.Errorf("the flow is %v", got)
	}
	c.controller().drive(all[20:])
	agree(t, c, p, deployment, s)
	wantAttempts(t, p, all)
	eventually(t, "the flow to be ready", func() bool {
		v := p.snapshot(deployment)
		return v.flow["status"] == "succeeded" && v.watch()["outcome"] == "ready"
	})
}

// wantAttempts checks that each release has as many attempts as the controller made.
func wantAttempts(t *testing.T, p *program, all []component) {
	t.Helper()
	for _, n := range all {
		want := 1
		if n.fails {
			want = 2
		}
		var got struct{ Executions []struct{ Status string } }
		p.read(fmt.Sprintf("/api/v1/deployments/%s/jobs/install-%s", deployment, n.Name), &got)
		if len(got.Executions) != want || got.Executions[0].Status != "succeeded" {
			t.Errorf("%s has the attempts %+v, of %d", n.Name, got.Executions, want)
		}
	}
}

// While nobody watched: installs have ended, one was deleted, one depends on others now.
func TestAKilledWatcherGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	i, p, s := provision(t, c)
	all := kit(t)
	all[10].fails = false // it is in the middle when nobody watches
	c.releases().create(all...)
	c.controller().drive(all[:10])
	c.controller().installs(all[10].Name)
	agree(t, c, p, deployment, s)
	before := p.snapshot(deployment).String()

	p.kill()
	p = i.start()
	s.move(p)
	eventually(t, "the next one to watch", func() bool { return p.watches() })
	agree(t, c, p, deployment, s)
	if now := p.snapshot(deployment).String(); now != before {
		t.Errorf("a restart alone has changed\n%s\nto\n%s", before, now)
	}

	p.kill()
	c.controller().installed(all[10].Name)
	c.controller().drive(all[11:])
	last := all[len(all)-1]
	c.releases().delete(last.Name)
	c.releases().change(all[20].Name, func(spec map[string]any) { spec["dependsOn"] = dependsOn("cilium", "flux") })
	c.controller().installed(all[20].Name)
	p = i.start()
	s.move(p)
	agree(t, c, p, deployment, s)
	wantAttempts(t, p, slices.DeleteFunc(all, func(n component) bool { return n.Name == last.Name }))
}

func TestAnotherReplicaTakesOver(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	i, first, s := provision(t, c)
	eventually(t, "the first to watch", func() bool { return first.watches() })
	second := i.start()
	all := kit(t)
	c.releases().create(all...)
	c.controller().drive(all[:8])
	agree(t, c, second, deployment, s)
	if second.watches() {
		t.Error("both watch")
	}

	first.kill()
	s.move(second)
	c.controller().drive(all[8:16])
	agree(t, c, second, deployment, s)

	third := i.start()
	second.terminate()
	s.move(third)
	c.controller().drive(all[16:])
	agree(t, c, third, deployment, s)
	wantAttempts(t, third, all)
	if !second.watches() || !third.watches() {
		t.Error("who took over?")
	}
}

// A watcher that was stopped for a moment does not know that another one has its place.
func TestAWatcherThatWasStoppedForAMomentWritesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	i, first, _ := provision(t, c)
	eventually(t, "the first to watch", func() bool { return first.watches() })
	second := i.start()
	s := subscribe(t, second, deployment)
	all := kit(t)
	c.releases().create(all...)
	c.controller().drive(all[:6])
	agree(t, c, second, deployment, s)

	first.signal(syscall.SIGSTOP)
	c.controller().drive(all[6:12])
	c.releases().delete(all[11].Name)
	agree(t, c, second, deployment, s)
	first.signal(syscall.SIGCONT)
	eventually(t, "the first to know", func() bool { return strings.Contains(first.said(), "not watching any more") })
	c.controller().drive(all[12:])
	agree(t, c, second, deployment, s)
	wantAttempts(t, second, slices.Delete(all, 11, 12))
}

// partly is a cluster of the kit of which ten are installed, as is shown. They were so under
// the eyes of the watch, which without having seen something would not be gone on with.
func partly(t *testing.T) (*cluster, *program, *subscriber, []component) {
	t.Helper()
	c := newCluster(t)
	_, p, s := provision(t, c)
	all := kit(t)
	c.releases().create(all...)
	agree(t, c, p, deployment, s)
	c.controller().drive(all[:10])
	agree(t, c, p, deployment, s)
	return c, p, s, all
}

// missed is what goes on in a cluster of the kit while nobody looks.
func missed(c *cluster, all []component) {
	c.controller().drive(all[10:])
	c.releases().delete(all[34].Name)
	c.releases().change(all[33].Name, func(spec map[string]any) { spec["dependsOn"] = dependsOn() })
	c.controller().installed(all[33].Name)
}

// A watch ends, and cannot go on from where it was: the API server has begun anew, and what
// was before is forgotten. All is listed again.
func TestARelistFindsWhatWasMissed(t *testing.T) {
	t.Parallel()
	c, p, s, all := partly(t)
	before := c.door.lists()
	c.door.pause()
	missed(c, all)
	c.compact()
	c.restart()
	c.door.resume()
	agree(t, c, p, deployment, s)
	if c.door.lists() == before {
		t.Error("nobody has listed again: this test shows nothing")
	}
	wantAttempts(t, p, all[:34])
}

func TestAnAPIServerThatIsAwayIsSaidToBe(t *testing.T) {
	t.Parallel()
	c, p, s, all := partly(t)
	c.door.close()
	if since := wantSight(t, p, "blind")["since"].(float64); since < 1e12 {
		t.Errorf("it is blind since %v", since)
	}
	missed(c, all)
	c.restart()
	agree(t, c, p, deployment, s)
	wantSight(t, p, "watching")
	wantAttempts(t, p, all[:34])
}

func TestWhatChangesInTheClusterChangesInTheFlow(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, p, s := provision(t, c)
	all := kit(t)[:6]
	c.releases().create(all...)
	c.controller().drive(all)
	agree(t, c, p, deployment, s)
	wantSteady(t, c, p, s, all[4].Name)

	c.releases().change(all[5].Name, func(spec map[string]any) { spec["dependsOn"] = dependsOn(all[0].Name, all[3].Name) })
	agree(t, c, p, deployment, s)
	c.releases().change(all[5].Name, func(spec map[string]any) { delete(spec, "dependsOn") })
	agree(t, c, p, deployment, s)
	c.releases().delete(all[5].Name)
	agree(t, c, p, deployment, s)
	c.releases().create(all[5])
	c.controller().installs(all[5].Name)
	agree(t, c, p, deployment, s)
	c.controller().installed(all[5].Name)
	agree(t, c, p, deployment, s)
}

package k8stest

import (
	"fmt"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
)

// BenchmarkTakeover takes the time from the death of the replica that watches a cluster (kill -9)
// to the frame of a change at a subscriber of another one, which nobody but that can have seen.
func BenchmarkTakeover(b *testing.B) {
	c := newCluster(b)
	i := install(b, dbtest.Empty(b))
	watches, next := i.start(), i.start()
	watches.known(deployment)
	i.give(deployment, c.door.kubeconfig())
	one := kit(b)[0]
	c.releases().create(one)
	ctl, s := c.controller(), subscribe(b, watches, deployment)
	agree(b, c, watches, deployment, s)
	if next.watches() {
		watches, next = next, watches
	}
	frames := s.arrivals()
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		s.move(next)
		watches.kill()
		died := time.Now()
		to, status := ctl.installs, "running"
		if n%2 == 1 {
			to, status = ctl.fails, "failed"
		}
		to(one.Name)
		took = append(took, await(frames, fmt.Sprintf("%s:install-%s %s", deployment, one.Name, status)).Sub(died))
		watches, next = next, i.start()
	}
	b.ReportMetric(0, "ns/op")
	report(b, "takeover", took)
}

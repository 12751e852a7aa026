package k8stest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
)

// BenchmarkPatchToFrame takes the time from a status patch at the API server to the frame
// that shows it at a subscriber over HTTP.
func BenchmarkPatchToFrame(b *testing.B) {
	c := newCluster(b)
	i := install(b, dbtest.Empty(b))
	p := i.start()
	p.known(deployment)
	i.give(deployment, c.door.kubeconfig())
	all := kit(b)
	c.releases().create(all...)
	s := subscribe(b, p, deployment)
	agree(b, c, p, deployment, s)
	ctl := c.controller()
	frames := make(chan string, 1000)
	s.mu.Lock()
	s.heard = func(m message) {
		for _, n := range m.Nodes {
			frames <- n.ID + n.Status
		}
	}
	s.mu.Unlock()
	var took []time.Duration
	for n := range max(b.N, 10*len(all)) {
		name := all[n%len(all)].Name
		id := fmt.Sprintf("%s:install-%s", deployment, name)
		to, status := ctl.installs, "running"
		if (n/len(all))%2 == 1 {
			to, status = ctl.fails, "failed"
		}
		to(name)
		for got := range frames {
			if got == id+status {
				break
			}
		}
		took = append(took, time.Since(ctl.patched()))
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
}

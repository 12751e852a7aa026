package k8stest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/openova-io/provflow/db/dbtest"
)

// arrival is when something that is waited for was there.
type arrival struct {
	what string
	at   time.Time
}

// await gives when it came, from those that come.
func await(from <-chan arrival, what string) time.Time {
	for a := range from {
		if a.what == what {
			return a.at
		}
	}
	panic("nothing comes any more")
}

// BenchmarkPatchToFrame takes the time from a status patch at the API server to the frame
// that shows it at a subscriber over HTTP; and, of the same patches, to a plain watch of the
// same API server, which stores nothing and shows it to nobody.
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
	ctl, frames, plain := c.controller(), s.arrivals(), c.releases().arrivals()
	var toFrame, toPlain []time.Duration
	for n := range max(b.N, 10*len(all)) {
		name, to, status := all[n%len(all)].Name, ctl.installs, "running"
		if (n/len(all))%2 == 1 {
			to, status = ctl.fails, "failed"
		}
		to(name)
		toPlain = append(toPlain, await(plain, ctl.last.version).Sub(ctl.last.begun))
		toFrame = append(toFrame, await(frames, fmt.Sprintf("%s:install-%s %s", deployment, name, status)).Sub(ctl.last.begun))
	}
	b.ReportMetric(0, "ns/op")
	report(b, "frame", toFrame)
	report(b, "plain", toPlain)
}

func report(b *testing.B, name string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(milliseconds(took[len(took)*percent/100]), fmt.Sprintf("ms-%s-p%d", name, percent))
	}
	b.ReportMetric(milliseconds(took[len(took)-1]), fmt.Sprintf("ms-%s-max", name))
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

// arrivals tells of each node that a frame brings, and its status.
func (s *subscriber) arrivals() <-chan arrival {
	out := make(chan arrival, 10000)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = func(m message) {
		for _, n := range m.Nodes {
			out <- arrival{n.ID + " " + n.Status, time.Now()}
		}
	}
	return out
}

// arrivals tells of each version that a plain watch brings.
func (r releases) arrivals() <-chan arrival {
	r.t.Helper()
	w, err := r.of.Watch(r.t.Context(), metav1.ListOptions{})
	r.must(err)
	out := make(chan arrival, 10000)
	go func() {
		for e := range w.ResultChan() {
			if u, ok := e.Object.(*unstructured.Unstructured); ok {
				out <- arrival{u.GetResourceVersion(), time.Now()}
			}
		}
	}()
	return out
}

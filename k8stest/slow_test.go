package k8stest

import (
	"io"
	"strings"
	"testing"
	"time"
)

// trickle is an answer that comes in small pieces, each after a while.
type trickle struct{ io.ReadCloser }

func (r trickle) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return r.ReadCloser.Read(p[:min(len(p), 512)])
}

// What comes late comes all the same, and is no blindness.
func TestASlowWatchMissesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.door.slow.Store(true)
	_, p, s := provision(t, c)
	all := kit(t)
	c.releases().create(all...)
	c.controller().drive(all)
	agree(t, c, p, deployment, s)
	wantAttempts(t, p, all)
	if strings.Contains(p.said(), "cannot be looked at") {
		t.Error("it took it for blindness")
	}
}

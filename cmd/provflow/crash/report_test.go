//go:build crash

package crash

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// report prints what happened, whether or not it was right.
func report(took time.Duration, done tally, j *journal, converged []time.Duration) {
	at := func(q float64) time.Duration {
		if len(converged) == 0 {
			return 0
		}
		return converged[int(q*float64(len(converged)-1))].Round(time.Millisecond)
	}
	fmt.Printf("crash: %d faults in %s: %s\n", done.total(), took.Round(time.Second), done)
	fmt.Printf("crash: %d sent, %d acknowledged, %d unknown of which %d took effect, %d lost, %d doubled, %d wrong\n",
		j.sent, j.acked, j.unknown, j.tookEffect, len(j.lost), len(j.doubled), len(j.wrong)+len(j.foreign))
	fmt.Printf("crash: %d of %d consoles right; convergence p50 %s, p99 %s, max %s\n", len(converged), *watchers, at(0.5), at(0.99), at(1))
}

// usage is what a replica holds while nobody uses it.
type usage struct{ goroutines, heapMiB int }

func (u usage) String() string {
	return fmt.Sprintf("%d goroutines, %d MiB of heap", u.goroutines, u.heapMiB)
}

// unknown is what a replica that does not answer uses: more than any other.
var unknown = usage{goroutines: 1 << 30, heapMiB: 1 << 30}

// room is what may be held beyond the beginning: caches, connections kept, watchers of the
// flows that linger.
var room = usage{goroutines: 40, heapMiB: 64}

func (u usage) beyond(idle usage) bool {
	return u.goroutines > idle.goroutines+room.goroutines || u.heapMiB > idle.heapMiB+room.heapMiB
}

func (f *fleet) usage() []usage {
	var all []usage
	for _, r := range f.replicas {
		u := r.usage()
		if u.goroutines == 0 || u.heapMiB == 0 || u == unknown {
			f.t.Fatalf("replica %s does not say what it uses when idle: %s", r.name, u)
		}
		all = append(all, u)
	}
	return all
}

// usage reads the replica's own metrics.
func (r *replica) usage() (u usage) {
	body, _, err := get("http://" + r.metrics + "/metrics")
	if err != nil {
		return unknown
	}
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_goroutines":
			u.goroutines = int(n)
		case "go_memstats_heap_inuse_bytes":
			u.heapMiB = int(n) >> 20
		}
	}
	return u
}

// judgeUsage waits until every replica is back where it was before anybody came.
func (f *fleet) judgeUsage(t *testing.T, idle []usage) {
	t.Helper()
	for i, r := range f.replicas {
		var now usage
		if !eventually(patience, func() bool { now = r.usage(); return !now.beyond(idle[i]) }) {
			t.Errorf("replica %s had %s when idle and has %s", r.name, idle[i], now)
		}
		fmt.Printf("crash: replica %s: %s before, %s after\n", r.name, idle[i], now)
	}
}

package demo

import (
	"fmt"
	"strings"
	"time"
)

// The component that fails at its first attempt, and the one that is degraded meanwhile.
const (
	failing   = "keycloak"
	degrading = "openbao"
)

const (
	failsAfter = 5 * time.Minute  // then helm gives up
	retryPause = 40 * time.Second // then the controller tries again
)

// run is when a component's installation runs. Failed and Retried are zero for all
// components but the failing one, Degraded and Recovered for all but the degrading one.
type run struct {
	component
	Start, End          time.Duration
	Failed, Retried     time.Duration
	Degraded, Recovered time.Duration
}

// last is the start of the attempt that succeeds.
func (r run) last() time.Duration { return max(r.Start, r.Retried) }

// schedule says when each component of a kit is installed: as soon as all it depends on
// are, and a controller's pass later. It gives them in the kit's order.
func schedule(kit []component, from time.Duration) ([]run, error) {
	ends := map[string]time.Duration{}
	runs := make([]run, len(kit))
	for left := len(kit); left > 0; {
		before := left
		for i, c := range kit {
			ready, ok := readyAt(c, ends, from)
			if _, done := ends[c.Name]; done || !ok {
				continue
			}
			runs[i] = runOf(c, ready+pass(i))
			ends[c.Name] = runs[i].End
			left--
		}
		if left == before {
			return nil, fmt.Errorf("the kit cannot be installed: %s wait for each other or for what is not in it", waiting(kit, ends))
		}
	}
	return runs, nil
}

// readyAt is when the last dependency is installed; not ok while one is not scheduled yet.
func readyAt(c component, ends map[string]time.Duration, from time.Duration) (at time.Duration, ok bool) {
	at = from
	for _, d := range c.DependsOn {
		end, known := ends[d]
		if !known {
			return 0, false
		}
		at = max(at, end)
	}
	return at, true
}

// pass is how long the controller takes to see that a component may go.
func pass(i int) time.Duration { return time.Duration(2+i*5%7) * time.Second }

func runOf(c component, start time.Duration) run {
	r := run{component: c, Start: start}
	if c.Name == failing {
		r.Failed = start + failsAfter
		r.Retried = r.Failed + retryPause
	}
	length := installTime(c.Name)
	r.End = r.last() + length
	if c.Name == degrading {
		r.Degraded, r.Recovered = start+length*2/5, start+length*4/5
	}
	return r
}

func waiting(kit []component, ends map[string]time.Duration) string {
	var names []string
	for _, c := range kit {
		if _, done := ends[c.Name]; !done {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, ", ")
}

// usualInstall is how long a small chart takes.
const usualInstall = 50 * time.Second

// installTimes are those of the charts that take longer: made up, but of the right order.
var installTimes = map[string]time.Duration{
	"cilium":            110 * time.Second,
	"cert-manager":      75 * time.Second,
	"crossplane":        95 * time.Second,
	"spire":             140 * time.Second,
	"nats-jetstream":    80 * time.Second,
	"openbao":           200 * time.Second,
	"keycloak":          200 * time.Second,
	"gitea":             165 * time.Second,
	"catalyst-platform": 280 * time.Second,
	"cnpg":              70 * time.Second,
	"seaweedfs":         150 * time.Second,
	"harbor":            240 * time.Second,
	"loki":              120 * time.Second,
	"mimir":             190 * time.Second,
	"tempo":             85 * time.Second,
	"grafana":           100 * time.Second,
	"langfuse":          210 * time.Second,
	"kyverno":           85 * time.Second,
	"trivy":             65 * time.Second,
	"falco":             90 * time.Second,
	"velero":            60 * time.Second,
}

func installTime(name string) time.Duration {
	if d, ok := installTimes[name]; ok {
		return d
	}
	return usualInstall
}

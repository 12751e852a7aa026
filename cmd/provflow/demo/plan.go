package demo

import (
	"cmp"
	"slices"
	"time"
)

// Levels, phases and states of a provisioner event that the plan uses.
const (
	info  = "info"
	warn  = "warn"
	fault = "error"

	phaseTofu      = "tofu"
	phaseComponent = "component"
	phaseLog       = "component-log"

	pending    = "pending"
	installing = "installing"
	degraded   = "degraded"
	failed     = "failed"
	installed  = "installed"
)

// event is one provisioner event as it travels. Its time is set when it is posted.
type event struct {
	Time         string   `json:"time"`
	Phase        string   `json:"phase"`
	Level        string   `json:"level"`
	Message      string   `json:"message"`
	Component    string   `json:"component,omitempty"`
	State        string   `json:"state,omitempty"`
	DependsOn    []string `json:"dependsOn,omitzero"` // absent is not empty
	ChartVersion string   `json:"chartVersion,omitempty"`
}

// moment is what is said at one time of the plan, counted from its beginning.
type moment struct {
	at     time.Duration
	events []event
}

// plan is everything that is said, in order of time.
type plan []moment

// length is when the last word is said.
func (p plan) length() time.Duration { return p[len(p)-1].at }

// newPlan writes the whole provision of a kit.
func newPlan(kit []component) (plan, error) {
	var p plan
	begin := p.phase0()
	runs, err := schedule(kit, begin)
	if err != nil {
		return nil, err
	}
	p.announce(begin, kit)
	for _, r := range runs {
		p.install(r)
	}
	return p.inOrder(), nil
}

func (p *plan) say(at time.Duration, e ...event) { *p = append(*p, moment{at, e}) }

// inOrder sorts by time and puts together what is said at the same time. What was
// written first is said first.
func (p plan) inOrder() plan {
	slices.SortStableFunc(p, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	var merged plan
	for _, m := range p {
		if n := len(merged); n > 0 && merged[n-1].at == m.at {
			merged[n-1].events = append(merged[n-1].events, m.events...)
			continue
		}
		merged = append(merged, m)
	}
	return merged
}

package demo

import (
	"fmt"
	"time"
)

// announce makes all components known before any of them begins.
func (p *plan) announce(at time.Duration, kit []component) {
	for _, c := range kit {
		e := c.event(pending, info, "Fulfilling prerequisites")
		e.DependsOn = c.dependencies()
		p.say(at, e)
	}
}

// install writes what is heard of a component from its first attempt to its last.
func (p *plan) install(r run) {
	if r.Failed > 0 {
		p.attempt(r, r.Start, r.Failed)
		p.fail(r)
	}
	p.attempt(r, r.last(), r.End)
	if r.Degraded > 0 {
		p.degrade(r)
	}
	p.say(r.End,
		r.log(info, "Helm install succeeded for release %s/%s.v1 with chart %s@%s", r.Namespace, r.Name, r.release(), r.Version),
		r.event(installed, info, fmt.Sprintf("Helm install succeeded for release %s/%s.v1 with chart %s@%s", r.Namespace, r.Name, r.release(), r.Version)))
}

// attempt writes what the controller says while helm is at work.
func (p *plan) attempt(r run, start, end time.Duration) {
	n := 4 + len(r.Name) // of resources: any number that is not the same for all
	part := (end - start) / 6
	p.say(start, r.event(installing, info, "Running 'install' action with timeout of 5m0s"))
	p.say(start+part/2, r.log(info, "creating %d resource(s) in namespace %s", n, r.Namespace))
	p.say(start+part, r.log(info, "beginning wait for %d resources with timeout of 5m0s", n))
	p.say(start+3*part, r.log(info, "%s/%s is not ready: 0 out of 1 expected pods are ready", r.Namespace, r.Name))
}

func (p *plan) degrade(r run) {
	p.say(r.Degraded,
		r.log(warn, "readiness probe of %s-0 failed: sealed", r.Name),
		r.event(degraded, warn, fmt.Sprintf("pod %s/%s-0 is not ready: sealed", r.Namespace, r.Name)))
	p.say(r.Recovered,
		r.log(info, "%s-0 is unsealed", r.Name),
		r.event(installing, info, "Running 'install' action with timeout of 5m0s"))
}

func (p *plan) fail(r run) {
	p.say(r.Failed,
		r.log(fault, "%s-0: database migration has not finished", r.Name),
		r.event(failed, fault, fmt.Sprintf("Helm install failed for release %s/%s with chart %s@%s: context deadline exceeded",
			r.Namespace, r.Name, r.release(), r.Version)))
	p.say(r.Failed+retryPause/2, r.log(info, "uninstalled the failed release; 2 retries remain"))
}

func (c component) event(state, level, message string) event {
	return event{
		Phase: phaseComponent, Level: level, Message: message,
		Component: c.release(), State: state, ChartVersion: c.Version,
	}
}

func (c component) log(level, format string, args ...any) event {
	return event{Phase: phaseLog, Level: level, Message: fmt.Sprintf(format, args...), Component: c.release()}
}

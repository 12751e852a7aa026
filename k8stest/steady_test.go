package k8stest

import (
	"slices"
	"testing"
)

// wantSteady sees that an installed release stays succeeded, in every snapshot and in every
// frame, whatever a controller says of it while it reconciles it again.
func wantSteady(t *testing.T, c *cluster, p *program, s *subscriber, name string) {
	t.Helper()
	ctl, id, attempts := c.controller(), deployment+":install-"+name, p.attempts(deployment, name)
	frames := s.statuses(id)
	beside := component{Name: "beside", Version: "1.0.0", Namespace: "beside"}
	ctl.create(beside)
	for _, again := range ctl.again(name) {
		again()
		// Everything is told in order: once this is shown, what was before it has been dealt with.
		ctl.installs(beside.Name)
		eventually(t, "it to run", func() bool { return p.snapshot(deployment).nodes[deployment+":install-beside"].Status == "running" })
		if got := p.snapshot(deployment).nodes[id].Status; got != "succeeded" {
			t.Errorf("%s is %s", name, got)
		}
		ctl.fails(beside.Name)
		eventually(t, "it to fail", func() bool { return p.snapshot(deployment).nodes[deployment+":install-beside"].Status == "failed" })
	}
	ctl.delete(beside.Name)
	agree(t, c, p, deployment, s)
	if got := frames(); slices.ContainsFunc(got, func(status string) bool { return status != "succeeded" }) {
		t.Errorf("frames showed %s as %q", name, got)
	}
	if got := p.attempts(deployment, name); got != attempts {
		t.Errorf("the attempts at %s were %q and are %q", name, attempts, got)
	}
}

// again is what the controller, new and old, writes of an installed release while it looks
// after it, waits for another one, or installs the same chart with other values.
func (c controller) again(name string) []func() {
	ready := func(status, reason, message string) condition { return condition{"Ready", status, reason, message} }
	write := func(doing string, r condition) func() {
		return func() {
			c.set(name, false, nil, condition{"Reconciling", "True", "Progressing", doing}, r,
				condition{"Released", "True", "InstallSucceeded", "Helm install succeeded"})
		}
	}
	const looks, upgrades = "Fulfilling prerequisites", "Running 'upgrade' action with timeout of 15m0s"
	return []func(){
		write(looks, ready("True", "InstallSucceeded", "Helm install succeeded")),
		write(looks, ready("Unknown", "Progressing", looks)),
		write(looks, ready("False", "DependencyNotReady", "dependency 'flux-system/bp-flux' is not ready")),
		func() {
			c.change(name, func(spec map[string]any) { spec["values"] = map[string]any{"replicas": int64(2)} })
		},
		write(upgrades, ready("Unknown", "Progressing", upgrades)),
		func() { c.installed(name) },
	}
}

// statuses gives, when it is asked, the status of a node in each frame that brought it.
func (s *subscriber) statuses(id string) func() []string {
	var seen []string
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = func(m message) {
		for _, n := range m.Nodes {
			if n.ID == id {
				seen = append(seen, n.Status)
			}
		}
	}
	return func() []string {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Clone(seen)
	}
}

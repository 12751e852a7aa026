package demo

import "time"

// step is one of Phase 0: what is said of it when it begins, and what during it.
type step struct {
	phase, begins string
	length        time.Duration
	lines         []string // spread evenly over its length
}

// phase0 writes the steps one after another and says when the last of them is over.
func (p *plan) phase0() time.Duration {
	var at time.Duration
	for _, s := range steps {
		p.say(at, event{Phase: s.phase, Level: info, Message: s.begins})
		p.lines(s, at)
		at += s.length
	}
	return at
}

func (p *plan) lines(s step, from time.Duration) {
	each := s.length / time.Duration(len(s.lines)+1)
	for i, line := range s.lines {
		p.say(from+each*time.Duration(i+1), event{Phase: s.linePhase(), Level: info, Message: line})
	}
}

// linePhase is that of a line: tofu's output is of whichever step is active, the
// bootstrap speaks for itself.
func (s step) linePhase() string {
	if s.phase == "cluster-bootstrap" {
		return s.phase
	}
	return phaseTofu
}

var steps = []step{
	{phase: "tofu-init", begins: "tofu init", length: 25 * time.Second, lines: []string{
		"Initializing the backend...",
		"Initializing provider plugins...",
		"- Finding hetznercloud/hcloud versions matching \"~> 1.49\"...",
		"- Finding hashicorp/random versions matching \"~> 3.6\"...",
		"- Installing hetznercloud/hcloud v1.49.1...",
		"- Installed hetznercloud/hcloud v1.49.1 (signed)",
		"- Installing hashicorp/random v3.6.3...",
		"- Installed hashicorp/random v3.6.3 (signed)",
		"OpenTofu has been successfully initialized!",
	}},
	{phase: "tofu-plan", begins: "tofu plan -out=plan.bin", length: 35 * time.Second, lines: []string{
		"random_id.cluster: Plan to create",
		"hcloud_ssh_key.admin: Plan to create",
		"hcloud_network.main: Plan to create",
		"hcloud_network_subnet.nodes: Plan to create",
		"hcloud_firewall.nodes: Plan to create",
		"hcloud_load_balancer.ingress: Plan to create",
		"hcloud_server.control_plane[0]: Plan to create",
		"hcloud_server.worker[0]: Plan to create",
		"hcloud_server.worker[1]: Plan to create",
		"Plan: 9 to add, 0 to change, 0 to destroy.",
	}},
	{phase: "tofu-apply", begins: "tofu apply plan.bin", length: 210 * time.Second, lines: []string{
		"random_id.cluster: Creating...",
		"random_id.cluster: Creation complete after 0s [id=3q2-7w]",
		"hcloud_ssh_key.admin: Creating...",
		"hcloud_network.main: Creating...",
		"hcloud_ssh_key.admin: Creation complete after 1s [id=24817734]",
		"hcloud_network.main: Creation complete after 2s [id=10946021]",
		"hcloud_network_subnet.nodes: Creating...",
		"hcloud_firewall.nodes: Creating...",
		"hcloud_firewall.nodes: Creation complete after 1s [id=1861208]",
		"hcloud_network_subnet.nodes: Creation complete after 3s [id=10946021-10.0.1.0/24]",
		"hcloud_load_balancer.ingress: Creating...",
		"hcloud_server.control_plane[0]: Creating...",
		"hcloud_server.control_plane[0]: Still creating... [10s elapsed]",
		"hcloud_load_balancer.ingress: Creation complete after 12s [id=2310442]",
		"hcloud_server.control_plane[0]: Still creating... [20s elapsed]",
		"hcloud_server.control_plane[0]: Creation complete after 28s [id=58120917]",
		"hcloud_server.worker[0]: Creating...",
		"hcloud_server.worker[1]: Creating...",
		"hcloud_server.worker[0]: Still creating... [10s elapsed]",
		"hcloud_server.worker[0]: Creation complete after 19s [id=58120931]",
		"hcloud_server.worker[1]: Creation complete after 21s [id=58120932]",
		"Apply complete! Resources: 9 added, 0 changed, 0 destroyed.",
	}},
	{phase: "tofu-output", begins: "tofu output -json", length: 6 * time.Second, lines: []string{
		"control_plane_ip = \"192.0.2.17\"",
		"load_balancer_ip = \"192.0.2.40\"",
		"kubeconfig = <sensitive>",
	}},
	{phase: "cluster-bootstrap", begins: "waiting for the control plane to answer", length: 200 * time.Second, lines: []string{
		"cloud-init is running on control-plane-0",
		"the API server answers at 192.0.2.17:6443",
		"node control-plane-0 has registered",
		"node worker-0 has registered",
		"node worker-1 has registered",
		"installing Flux: source-controller, kustomize-controller, helm-controller",
		"helm-controller is available",
		"GitRepository flux-system/catalyst: stored artifact for revision main@sha1:9f2c41d",
		"Kustomization flux-system/bootstrap-kit applied: 35 HelmReleases created",
	}},
}

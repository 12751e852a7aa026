package bridge

import (
	"strings"

	"github.com/openova-io/provflow/service/flow"
)

// providerNames are brands that are not written as a capitalised word.
var providerNames = map[string]string{"aws": "AWS", "gcp": "GCP", "ovh": "OVH", "ibm": "IBM", "digitalocean": "DigitalOcean"}

// group makes sure that one of the deployment's groups is there and gives its id.
func (l *Ledger) group(slug string) string {
	id := l.names.Job(slug)
	if l.putGroup(id, slug, l.groupLabel(slug), "") {
		l.chain(flow.GroupOrder, slug)
	}
	return id
}

// bootstrapKit makes sure that the group of a region's installs is there and gives its id.
func (l *Ledger) bootstrapKit(region string) string {
	all := l.group(flow.GroupBootstrapKit)
	id := l.names.BootstrapKit(region)
	if id != all {
		l.putGroup(id, region+":"+flow.GroupBootstrapKit, flow.Label(flow.GroupBootstrapKit)+" "+region, region)
		l.contain(id, all)
	}
	return id
}

// putGroup writes a group's own fields and reports whether it is new. What is rolled
// up into it is not touched: its status is never a placeholder.
func (l *Ledger) putGroup(id, name, label, region string) (added bool) {
	j, known := l.graph.Job(id)
	if !known {
		j = flow.Job{ID: id, Name: name, Source: flow.SourceBridge, Status: flow.Pending}
	}
	j.Type, j.Source, j.Family, j.DisplayName, j.Region = flow.TypeGroup, flow.SourceBridge, "group", label, region
	l.graph.PutJob(j)
	return !known
}

// groupLabel names the provisioner group after the provider, where it is known.
func (l *Ledger) groupLabel(slug string) string {
	label := flow.Label(slug)
	if slug == flow.GroupProvisioner && l.deployment.Provider != "" {
		return label + " " + providerName(l.deployment.Provider)
	}
	return label
}

func providerName(p string) string {
	if name, ok := providerNames[strings.ToLower(p)]; ok {
		return name
	}
	return strings.ToUpper(p[:1]) + p[1:]
}

package bridge

import "github.com/openova-io/provflow/service/flow"

// DeploymentChanged says that the deployment's record is another one now: what is named
// after it gets its new name. What is not there yet gets it when it is made.
type DeploymentChanged struct{}

// Apply implements Observation.
func (DeploymentChanged) Apply(l *Ledger) {
	if l.has(flow.GroupProvisioner) {
		l.group(flow.GroupProvisioner)
	}
}

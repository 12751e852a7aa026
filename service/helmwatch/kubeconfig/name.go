package kubeconfig

import (
	"slices"
	"strings"

	"github.com/openova-io/provflow/service/flow"
)

// Regions gives the recorded regions of the deployments that are known, the primary one first.
type Regions map[string][]string

// readings lists the deployments that a file's name may begin with, longest first.
func readings(name string) []string {
	ids := []string{name}
	for end := strings.LastIndexByte(name, '-'); end > 0; end = strings.LastIndexByte(name[:end], '-') {
		ids = append(ids, name[:end])
	}
	return slices.DeleteFunc(ids, func(id string) bool { return flow.CheckDeploymentID(id) != nil })
}

// read says which cluster a file's name means; ok is false while the record does not say.
//
// The longest known deployment wins, with a region of its own or with none left over. A name
// without '-' can be read in one way only, so its deployment need not be known yet.
func read(name string, known Regions) (key flow.WatchKey, ok bool) {
	for _, id := range readings(name) {
		regions, isKnown := known[id]
		region := strings.TrimPrefix(strings.TrimPrefix(name, id), "-")
		switch {
		case id == name && (isKnown || !strings.Contains(name, "-")):
			return flow.WatchKey{FlowID: id}, true
		case isKnown && region != "" && slices.Contains(regions, region):
			names := flow.Names{Deployment: id, Primary: regions[0]}
			return flow.WatchKey{FlowID: id, Region: names.Region(region)}, true
		}
	}
	return flow.WatchKey{}, false
}

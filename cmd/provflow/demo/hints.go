package demo

import (
	"fmt"
	"strings"
)

// Hints gives the calls with which to look at a deployment, one a line.
func Hints(server, deployment string) string {
	flow := flowURL(server, deployment)
	return fmt.Sprintf(`  # the whole flow as it is now
  curl -s '%[1]s/snapshot'
  # the flow live: a snapshot, then every change as it happens
  curl -sN '%[1]s/stream'
  # what a group contains
  curl -s '%[1]s/snapshot?root=provisioner'
  # all that waits for a component, and all that it waits for
  curl -s '%[1]s/snapshot?around=install-%[2]s&direction=downstream'
  curl -s '%[1]s/snapshot?around=install-%[2]s&direction=upstream'
`, flow, failing)
}

// watch is the one call worth making while it plays.
func watch(server, deployment string) string {
	return fmt.Sprintf("  curl -sN '%s/stream'\n", flowURL(server, deployment))
}

func flowURL(server, deployment string) string {
	return strings.TrimRight(server, "/") + "/api/v1/flows/" + deployment
}

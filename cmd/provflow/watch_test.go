package main

import (
	"log/slog"
	"strings"
	"testing"
)

// A deployment for nothing is a mistake that is told, unless it is in the environment: there
// it is whatever `provflow record` works on.
func TestADeploymentIsOfTheClusterItRunsInAlone(t *testing.T) {
	watches := func(f watchFlags) string {
		_, err := f.watches(slog.New(slog.DiscardHandler))
		if err != nil {
			return err.Error()
		}
		return ""
	}
	if said := watches(watchFlags{Deployment: "mine"}); !strings.Contains(said, "give that too") {
		t.Errorf("on the command line: %q", said)
	}
	t.Setenv("PROVFLOW_DEPLOYMENT", "mine")
	if said := watches(watchFlags{Deployment: "mine"}); said != "" {
		t.Errorf("in the environment: %q", said)
	}
	if said := watches(watchFlags{InCluster: true}); !strings.Contains(said, "--deployment is missing") {
		t.Errorf("without one: %q", said)
	}
}

package demo

import (
	_ "embed" // for kit.json
	"encoding/json"
	"fmt"
)

// kitFile is a bootstrap kit as it was deployed: releases, versions, dependencies.
//
//go:embed kit.json
var kitFile []byte

// component is one release of the kit; it is named, as are those it depends on, by its
// chart without `bp-`.
type component struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Namespace string   `json:"namespace"`
	DependsOn []string `json:"dependsOn"`
}

// release is the name under which Flux knows the component.
func (c component) release() string { return "bp-" + c.Name }

// dependencies names the releases it depends on; empty, not nil, where there are none.
func (c component) dependencies() []string {
	names := []string{}
	for _, d := range c.DependsOn {
		names = append(names, "bp-"+d)
	}
	return names
}

func loadKit() ([]component, error) {
	var kit []component
	if err := json.Unmarshal(kitFile, &kit); err != nil {
		return nil, fmt.Errorf("reading the demo's bootstrap kit: %w", err)
	}
	return kit, nil
}

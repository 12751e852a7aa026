package tofu

import (
	"fmt"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"
)

// Plan is what a saved plan says beyond the stream: what waits for what, and what is secret.
type Plan struct {
	Changes []Change // each after what it waits for
	Secrets []any
}

// Change is what is to be done to one resource.
type Change struct {
	Resource  string
	Action    string
	Parts     int      // operations it takes: a replacement deletes and creates
	DependsOn []string // addresses of other changes; never nil
}

// ParsePlan reads the output of `tofu show -json` of a plan file.
func ParsePlan(text []byte) (Plan, error) {
	var p tfjson.Plan
	p.UseJSONNumber(true)
	if err := p.UnmarshalJSON(text); err != nil {
		return Plan{}, fmt.Errorf("reading the plan: %w", err)
	}
	changes := changesOf(&p)
	newWaits(&p, changes).fill()
	sorted := inOrder(changes)
	reduce(sorted)
	return Plan{Changes: sorted, Secrets: secretsOf(&p)}, nil
}

// changesOf lists the resources that something is done to.
func changesOf(p *tfjson.Plan) []*Change {
	byAddress := map[string]*Change{}
	var all []*Change
	for _, r := range p.ResourceChanges {
		if r == nil || r.Change == nil {
			continue
		}
		action := actionOf(r.Change.Actions)
		parts := partsOf[action]
		switch known := byAddress[r.Address]; {
		case action == "":
		case known == nil:
			known = &Change{Resource: r.Address, Action: action, Parts: parts, DependsOn: []string{}}
			byAddress[r.Address] = known
			all = append(all, known)
		default: // a deposed object of the same address goes too
			known.Parts += parts
			if r.DeposedKey == "" {
				known.Action = action
			}
		}
	}
	return all
}

// actionOf names what is done to a resource; empty where nothing is.
func actionOf(a tfjson.Actions) string {
	switch {
	case a.Replace():
		return "replace"
	case a.Create():
		return "create"
	case a.Update():
		return "update"
	case a.Delete():
		return "delete"
	case a.Read():
		return "read"
	}
	return ""
}

// inOrder puts each change after those it waits for, else in the order of the plan.
func inOrder(changes []*Change) []Change {
	byAddress := map[string]*Change{}
	for _, c := range changes {
		byAddress[c.Resource] = c
	}
	var sorted []Change
	seen := map[string]bool{}
	var visit func(c *Change)
	visit = func(c *Change) {
		if seen[c.Resource] {
			return
		}
		seen[c.Resource] = true
		for _, d := range c.DependsOn {
			visit(byAddress[d])
		}
		sorted = append(sorted, *c)
	}
	for _, c := range changes {
		visit(c)
	}
	return sorted
}

// secretsOf gathers what the plan marks as sensitive: variables, attributes, outputs; and
// variables that sound so.
func secretsOf(p *tfjson.Plan) []any {
	var found []any
	if p.Config != nil && p.Config.RootModule != nil {
		for name, v := range p.Config.RootModule.Variables {
			if value := p.Variables[name]; value != nil && (v.Sensitive || secretName.MatchString(name)) {
				found = append(found, value.Value)
			}
		}
	}
	take := func(c *tfjson.Change) {
		if c != nil {
			found = append(marked(found, c.Before, c.BeforeSensitive), marked(nil, c.After, c.AfterSensitive)...)
		}
	}
	for _, r := range slices.Concat(p.ResourceChanges, p.ResourceDrift) {
		take(r.Change)
	}
	for _, c := range p.OutputChanges {
		take(c)
	}
	if p.PriorState != nil && p.PriorState.Values != nil {
		for _, o := range p.PriorState.Values.Outputs {
			if o.Sensitive {
				found = append(found, o.Value)
			}
		}
	}
	return found
}

// marked adds the parts of a value whose mark is true.
func marked(found []any, value, mark any) []any {
	switch m := mark.(type) {
	case bool:
		if m && value != nil {
			found = append(found, value)
		}
	case map[string]any:
		object, _ := value.(map[string]any)
		for k, inner := range m {
			found = marked(found, object[k], inner)
		}
	case []any:
		list, _ := value.([]any)
		for i, inner := range m {
			if i < len(list) {
				found = marked(found, list[i], inner)
			}
		}
	}
	return found
}

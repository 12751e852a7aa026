package tofu

import (
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// waits finds what waits for what. The configuration says it of resources, not of their
// instances, so one that refers to another waits for all its instances, as the tool does.
//
// A reference to a local value is not resolved, since a plan does not hold them; what the
// state says of a resource that exists already is taken in its place.
type waits struct {
	changes   []*Change
	instances map[string][]*Change       // by the address of their resource
	refs      map[string]map[string]bool // of a resource, to resources
	inState   map[string][]string        // the same, as the state has it
	local     map[string]bool            // resources that refer to a local value
	met       map[string]bool            // references that were resolved already, for each resource
}

func newWaits(p *tfjson.Plan, changes []*Change) *waits {
	w := &waits{
		changes: changes, instances: map[string][]*Change{}, refs: map[string]map[string]bool{},
		inState: map[string][]string{}, local: map[string]bool{}, met: map[string]bool{},
	}
	for _, c := range changes {
		of := withoutKeys(c.Resource)
		w.instances[of] = append(w.instances[of], c)
	}
	if p.Config != nil && p.Config.RootModule != nil {
		w.module(&module{config: p.Config.RootModule})
	}
	if p.PriorState != nil && p.PriorState.Values != nil {
		w.state(p.PriorState.Values.RootModule)
	}
	return w
}

// fill writes down for each change what it waits for. What is deleted goes after what
// depends on it, so there the arrow turns.
func (w *waits) fill() {
	for _, c := range w.changes {
		for _, d := range w.needs(c) {
			first, then := d, c
			if d.Action == "delete" {
				first, then = c, d
			} else if c.Action == "delete" {
				continue
			}
			if first != then && !slices.Contains(then.DependsOn, first.Resource) {
				then.DependsOn = append(then.DependsOn, first.Resource)
			}
		}
	}
	w.breakCycles()
}

// needs lists the changes that a change depends on, through resources that do not change.
func (w *waits) needs(c *Change) []*Change {
	var found []*Change
	seen := map[string]bool{}
	var follow func(resource string)
	follow = func(resource string) {
		for _, next := range w.next(resource, c.Action == "delete") {
			if seen[next] {
				continue
			}
			seen[next] = true
			if there := w.instances[next]; len(there) > 0 {
				found = append(found, there...)
			} else {
				follow(next)
			}
		}
	}
	follow(withoutKeys(c.Resource))
	return found
}

// next lists what a resource refers to. What the state says is believed of what goes, and
// where the configuration does not tell; and of what is itself to go.
func (w *waits) next(resource string, deleted bool) []string {
	var all []string
	for r := range w.refs[resource] {
		all = append(all, r)
	}
	slices.Sort(all)
	for _, r := range w.inState[resource] {
		if deleted || w.local[resource] || w.goes(r) {
			all = append(all, r)
		}
	}
	return all
}

func (w *waits) goes(resource string) bool {
	return slices.ContainsFunc(w.instances[resource], func(c *Change) bool { return c.Action == "delete" })
}

// breakCycles takes out what would have a change wait for itself, so that there is an order.
// The tool has one of its own; a mix of configuration and state might not.
func (w *waits) breakCycles() {
	byAddress := map[string]*Change{}
	for _, c := range w.changes {
		byAddress[c.Resource] = c
	}
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(c *Change)
	visit = func(c *Change) {
		state[c.Resource] = open
		c.DependsOn = slices.DeleteFunc(c.DependsOn, func(d string) bool {
			if state[d] == 0 {
				visit(byAddress[d])
			}
			return state[d] == open
		})
		state[c.Resource] = done
	}
	for _, c := range w.changes {
		if state[c.Resource] == 0 {
			visit(c)
		}
	}
}

// state notes what the state says that resources depend on.
func (w *waits) state(m *tfjson.StateModule) {
	if m == nil {
		return
	}
	for _, r := range m.Resources {
		of := withoutKeys(r.Address)
		for _, d := range r.DependsOn {
			if d = withoutKeys(d); d != of && !slices.Contains(w.inState[of], d) {
				w.inState[of] = append(w.inState[of], d)
			}
		}
	}
	for _, child := range m.ChildModules {
		w.state(child)
	}
}

// withoutKeys takes the instance keys out of an address: `a.b["x.y"].c[0]` is of `a.b.c`.
func withoutKeys(address string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case depth > 0 && c == '"':
			quoted = !quoted
		case !quoted && c == '[':
			depth++
		case !quoted && c == ']' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

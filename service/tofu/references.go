package tofu

import (
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// module is a module of the configuration and where it is called from.
type module struct {
	path   string // `module.a.module.b.`, empty for the root
	config *tfjson.ConfigModule
	call   *tfjson.ModuleCall
	parent *module
}

func (m *module) child(name string) *module {
	call := m.config.ModuleCalls[name]
	if call == nil || call.Module == nil {
		return nil
	}
	return &module{path: m.path + "module." + name + ".", config: call.Module, call: call, parent: m}
}

// module notes what the resources of a module and of those within it refer to.
func (w *waits) module(m *module) {
	for _, r := range m.config.Resources {
		refs := slices.Concat(r.DependsOn, references(r.Expressions), expression(r.CountExpression), expression(r.ForEachExpression))
		for _, p := range r.Provisioners {
			refs = append(refs, references(p.Expressions)...)
		}
		w.resolveAll(m.path+r.Address, m, refs)
		for at := m; at.call != nil; at = at.parent { // what a module waits for, all in it waits for
			w.resolveAll(m.path+r.Address, at.parent, slices.Concat(at.call.DependsOn, expression(at.call.CountExpression), expression(at.call.ForEachExpression)))
		}
	}
	for name := range m.config.ModuleCalls {
		if child := m.child(name); child != nil {
			w.module(child)
		}
	}
}

func (w *waits) resolveAll(of string, in *module, refs []string) {
	for _, ref := range refs {
		w.resolve(of, in, ref, refs)
	}
}

// resolve notes the resources that a reference made in a module leads to.
func (w *waits) resolve(of string, in *module, ref string, among []string) {
	words := strings.Split(withoutKeys(ref), ".")
	key := of + "\x00" + in.path + "\x00" + ref
	if w.met[key] && !isWhole(words) {
		return // many ways lead to the same value
	}
	w.met[key] = true
	switch words[0] {
	case "each", "count", "path", "terraform", "tofu", "self":
	case "local":
		w.local[of] = true
	case "var":
		if in.call != nil && len(words) > 1 {
			w.resolveAll(of, in.parent, expression(in.call.Expressions[words[1]]))
		}
	case "module":
		w.resolveModule(of, in, words, among)
	case "data", "ephemeral":
		if len(words) > 2 {
			w.note(of, in.path+strings.Join(words[:3], "."))
		}
	default:
		if len(words) > 1 {
			w.note(of, in.path+strings.Join(words[:2], "."))
		}
	}
}

// isWhole reports a reference to a whole module.
func isWhole(words []string) bool { return words[0] == "module" && len(words) == 2 }

// resolveModule follows a reference to a module's output. The tool lists the whole module
// beside each of its outputs; alone it stands for all that is in it.
func (w *waits) resolveModule(of string, in *module, words, among []string) {
	if len(words) < 2 {
		return
	}
	child := in.child(words[1])
	switch {
	case child == nil:
	case len(words) > 2:
		if out := child.config.Outputs[words[2]]; out != nil {
			w.resolveAll(of, child, append(expression(out.Expression), out.DependsOn...))
		}
	case !slices.ContainsFunc(among, func(r string) bool { return strings.HasPrefix(withoutKeys(r), "module."+words[1]+".") }):
		w.noteModule(of, child)
	}
}

func (w *waits) noteModule(of string, m *module) {
	for _, r := range m.config.Resources {
		w.note(of, m.path+r.Address)
	}
	for name := range m.config.ModuleCalls {
		if child := m.child(name); child != nil {
			w.noteModule(of, child)
		}
	}
}

func (w *waits) note(of, resource string) {
	if of == resource {
		return
	}
	if w.refs[of] == nil {
		w.refs[of] = map[string]bool{}
	}
	w.refs[of][resource] = true
}

// references lists what expressions refer to, in blocks within blocks too.
func references(expressions map[string]*tfjson.Expression) (refs []string) {
	for _, e := range expressions {
		refs = append(refs, expression(e)...)
	}
	return refs
}

func expression(e *tfjson.Expression) []string {
	if e == nil || e.ExpressionData == nil {
		return nil
	}
	refs := slices.Clone(e.References)
	for _, block := range e.NestedBlocks {
		refs = append(refs, references(block)...)
	}
	return refs
}

package record

import (
	"slices"
	"strings"

	"github.com/openova-io/provflow/service/tofu"
)

// command is a command line of the tool, taken apart.
type command struct {
	tool    string
	globals []string // before the subcommand: -chdir=DIR
	name    string   // the subcommand
	args    []string // after it
}

func parseCommand(line []string) command {
	c := command{tool: line[0]}
	i := slices.IndexFunc(line[1:], func(a string) bool { return !strings.HasPrefix(a, "-") })
	if i < 0 {
		c.globals = line[1:]
		return c
	}
	c.globals, c.name, c.args = line[1:i+1], line[i+1], line[i+2:]
	return c
}

// line is the command line after the tool's name, with another subcommand and arguments.
func (c command) line(name string, args ...string) []string {
	return slices.Concat(c.globals, []string{name}, args)
}

// recorded reports what there are steps for. Anything else is the tool's alone.
func (c command) recorded() bool {
	helps := slices.ContainsFunc(slices.Concat(c.globals, c.args), func(a string) bool {
		return slices.Contains([]string{"help", "h", "version", "v"}, flagName(a))
	})
	return !helps && slices.Contains([]string{"init", "plan", "apply", "destroy", "output"}, c.name)
}

// flagName is the name of a flag, without its value; empty where it is none.
func flagName(arg string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
	if !strings.HasPrefix(arg, "-") {
		return ""
	}
	return name
}

// withValue are the flags whose value may be an argument of its own.
var withValue = []string{
	"var", "var-file", "target", "target-file", "exclude", "exclude-file", "replace", "parallelism", "state", "state-out",
	"backup", "lock-timeout", "out", "generate-config-out", "backend-config", "from-module", "plugin-dir", "lockfile",
	"deprecation", "json-into", "test-directory", "encryption",
}

// flag is a flag with its value, in as many arguments as it was given, or a plain argument.
type flag struct {
	name string // empty: a plain argument
	args []string
}

func (c command) flags() (all []flag) {
	for i := 0; i < len(c.args); i++ {
		f := flag{flagName(c.args[i]), c.args[i : i+1]}
		if slices.Contains(withValue, f.name) && !strings.Contains(f.args[0], "=") && i+1 < len(c.args) {
			i++
			f.args = c.args[i-1 : i+1]
		}
		all = append(all, f)
	}
	return all
}

// value of a flag as it was given last: `true` of one that has none.
func (c command) value(name string) (value string, given bool) {
	for _, f := range c.flags() {
		if f.name != name {
			continue
		}
		given = true
		if _, v, ok := strings.Cut(f.args[0], "="); ok {
			value = v
		} else if value = "true"; len(f.args) > 1 {
			value = f.args[1]
		}
	}
	return value, given
}

func (c command) is(name string) bool {
	v, given := c.value(name)
	return given && v != "false"
}

// plain lists the arguments that are no flags: a plan file, the name of an output.
func (c command) plain() (args []string) {
	for _, f := range c.flags() {
		if f.name == "" {
			args = append(args, f.args...)
		}
	}
	return args
}

// only gives the arguments whose flags are named, without the others those that are not.
func (c command) only(named bool, names ...string) (args []string) {
	for _, f := range c.flags() {
		if slices.Contains(names, f.name) == named {
			args = append(args, f.args...)
		}
	}
	return args
}

// variables are the arguments that set variables.
func (c command) variables() []string { return c.only(true, "var", "var-file") }

// forPlan are the arguments that go to the plan of an apply, and forApply those that go to
// the apply of that plan; some are for both.
func (c command) forPlan() []string {
	args := c.only(false, "auto-approve", "backup", "state-out", "json", "out", "detailed-exitcode", "suppress-forget-errors")
	if c.name == "destroy" {
		args = append(args, "-destroy")
	}
	return args
}

func (c command) forApply() []string {
	return c.only(true, "lock", "lock-timeout", "parallelism", "state", "state-out", "backup", "no-color", "show-sensitive",
		"compact-warnings", "consolidate-warnings", "consolidate-errors", "deprecation", "suppress-forget-errors")
}

// String is the command as a person typed it, without the values it sets: any of them may
// be a secret.
func (c command) String() string {
	words := slices.Concat([]string{c.tool}, c.globals, []string{c.name})
	for _, f := range c.flags() {
		args := slices.Clone(f.args)
		if _, value, ok := f.setting(); ok {
			last := &args[len(args)-1]
			*last = strings.TrimSuffix(*last, value) + "***"
		}
		words = append(words, args...)
	}
	for i, w := range words {
		if strings.ContainsAny(w, " \t\n\"'\\") || w == "" {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// setting is what the flag sets: of the configuration, or of where the state is.
func (f flag) setting() (name, value string, ok bool) {
	if f.name != "var" && f.name != "backend-config" {
		return "", "", false
	}
	text := f.args[len(f.args)-1]
	if len(f.args) == 1 {
		_, text, _ = strings.Cut(text, "=")
	}
	return strings.Cut(text, "=") // else it is the name of a file
}

// tell makes known what of it is secret.
func (c command) tell(secrets *tofu.Secrets) {
	for _, f := range c.flags() {
		switch name, value, ok := f.setting(); {
		case ok && f.name == "var":
			secrets.AddVariable(name, value)
		case ok:
			secrets.AddSetting(name, value)
		}
	}
}

package record

import (
	"slices"
	"strings"

	"github.com/mattn/go-shellwords"
)

// argsVariable is where the tool finds arguments beside those it is given: for every command,
// and with `_` and its name for one.
const argsVariable = "TF_CLI_ARGS"

// withEnvironment puts them into the command, in the tool's order, and takes them out of the
// environment: an apply that is done in parts is not to be done with those of other commands.
// Where they make no sense all stays as it is, and the tool says so.
func (c command) withEnvironment(env []string) (command, []string) {
	var args []string
	for _, name := range []string{argsVariable + "_" + c.name, argsVariable} {
		words, err := shellwords.Parse(lookup(env, name))
		if err != nil {
			return c, env
		}
		args = append(args, words...)
	}
	c.args = slices.Concat(args, c.args)
	return c, slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == argsVariable || strings.HasPrefix(name, argsVariable+"_")
	})
}

// lookup gives a variable's value; of several the last one, as programs do.
func lookup(env []string, name string) (value string) {
	for _, v := range env {
		if is, ok := strings.CutPrefix(v, name+"="); ok {
			value = is
		}
	}
	return value
}

package record

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// What the environment adds to a command line belongs to it as what was typed does.
func TestArgumentsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	env := []string{"TF_CLI_ARGS=-no-color", "TF_CLI_ARGS_apply=-var 'a=b c'", "TF_CLI_ARGS_plan=-out=elsewhere", "HOME=/h"}
	c, left := parseCommand([]string{"tofu", "apply", "-lock=false"}).withEnvironment(env)
	if !slices.Equal(c.args, []string{"-var", "a=b c", "-no-color", "-lock=false"}) || !slices.Equal(left, []string{"HOME=/h"}) {
		t.Errorf("the arguments are %q, the environment %q", c.args, left)
	}
	bad := []string{"TF_CLI_ARGS='"}
	if c, left := parseCommand([]string{"tofu", "apply"}).withEnvironment(bad); len(c.args) > 0 || !slices.Equal(left, bad) {
		t.Errorf("what makes no sense became %q, %q", c.args, left)
	}
}

// told is a tool that says which one it is, and writes down how it was called.
const told = `echo "$@" >>"$0.log"
case "$1" in plan) echo '{"@message":"VERSION","@timestamp":"2026-11-23T09:22:49.1Z","type":"version"}'; exit 2;; esac
`

// A plan's variables are given again where the tool takes them, since ephemeral ones are in no
// plan; a tool that does not take them would refuse the apply for it.
func TestVariablesAreGivenAgain(t *testing.T) {
	t.Parallel()
	const vars = "-var token=very-secret -var-file f"
	for version, want := range map[string][2]string{
		"OpenTofu 1.12.6": {vars + " ", vars + " "}, "OpenTofu 1.10.0": {"", vars + " "}, "OpenTofu 1.7.3": {},
		"Terraform 1.11.4": {vars + " ", ""}, "Terraform 1.9.8": {},
	} {
		f := newFake(t)
		b := newBench(t, f.URL, strings.Replace(told, "VERSION", version, 1))
		b.Env = append(b.Env, "TF_CLI_ARGS_apply=-var token=very-secret")
		if err := b.run(t, "apply", "-auto-approve", "-var-file", "f"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(b.tool + ".log")
		if err != nil {
			t.Fatal(err)
		}
		calls := strings.Split(strings.TrimSpace(string(text)), "\n")
		file := calls[1][strings.LastIndex(calls[1], " ")+1:]
		wanted := []string{"plan -json -detailed-exitcode -out=" + file + " " + vars, "show " + want[1] + file, "show -json " + want[1] + file, "apply -json " + want[0] + file}
		if !slices.Equal(calls, wanted) {
			t.Errorf("%s was called\n%s\nwant\n%s", version, strings.Join(calls, "\n"), strings.Join(wanted, "\n"))
		}
		if sent := strings.Join(f.lines(), "\n"); strings.Contains(sent, "very-secret") || !strings.Contains(sent, "-var token=***") {
			t.Errorf("sent %s", sent)
		}
	}
}

// Who asks to be shown what is sensitive is shown it, and nobody else.
func TestWhatIsShownOnRequestIsNotSent(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"output -show-sensitive", "output -raw pin", "output pin", "output -json", "plan -json-into=f -show-sensitive", "apply -json-into=f -show-sensitive"} {
		f := newFake(t)
		b := newBench(t, f.URL, `echo "pin is 1234"`)
		if err := b.run(t, strings.Fields(line)...); err != nil {
			t.Fatal(err)
		}
		if sent := strings.Join(f.lines(), "\n"); strings.Contains(sent, "1234") || strings.Count(sent, `"phase":"tofu-`) != 2 {
			t.Errorf("%s: sent %s", line, sent)
		}
		if b.out.String() != "pin is 1234\n" {
			t.Errorf("%s: shown %q", line, b.out)
		}
	}
}

package record

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

// With -json the tool neither shows a plan as people read it nor asks. So what it would do
// in one go is done in its parts: a plan into a file, the file shown, the person asked, the
// file applied. What is asked about is then what is done, and the file says what waits for
// what and what is secret.

// plan makes a plan and shows it.
func (r *run) plan() (int, error) {
	file, given := r.cmd.value("out")
	if !given {
		path, remove, err := temporary()
		if err != nil {
			return 1, err
		}
		defer remove()
		file = path
	}
	args := append([]string{"-json", "-out=" + file}, r.cmd.only(false, "out", "json")...)
	code, err := r.step(flow.StepPlan, nil, r.cmd.line("plan", args...))
	if err != nil || code != 0 && code != exitChanges {
		return code, err
	}
	return code, r.showPlan(file)
}

// showPlan lets the tool show a plan in its own words.
func (r *run) showPlan(file string) error {
	args := slices.Concat(r.cmd.only(true, "no-color", "show-sensitive"), r.variables("show"), []string{file})
	code, err := r.child(r.cmd.line("show", args...), r.Stdout, r.Stderr)
	if err == nil && code != 0 {
		err = ExitError(code) // nobody is asked about what was not shown
	}
	return err
}

// applyFile applies a plan that the person made before.
func (r *run) applyFile() (int, error) {
	plan := r.readPlan(r.cmd.plain()[0])
	return r.step(flow.StepApply, plan, r.cmd.line(r.cmd.name, append([]string{"-json"}, r.cmd.args...)...))
}

// readPlan reads what a plan file says; without it there are no dependencies, and no harm.
func (r *run) readPlan(file string) *tofu.Plan {
	args := slices.Concat([]string{"-json"}, r.variables("show"), []string{file})
	text, err := r.plainOutput(r.cmd.line("show", args...))
	if err != nil {
		return nil // the apply of the file will say what is wrong with it
	}
	plan, err := tofu.ParsePlan(text)
	if err != nil {
		r.say("what waits for what is not known: %v", err)
		return nil
	}
	for _, s := range plan.Secrets {
		r.secrets.Add(s)
	}
	return &plan
}

// planAndApply does what `apply` and `destroy` do without a plan file.
func (r *run) planAndApply() (int, error) {
	file, remove, err := temporary()
	if err != nil {
		return 1, err
	}
	defer remove()
	args := append([]string{"-json", "-detailed-exitcode", "-out=" + file}, r.cmd.forPlan()...)
	code, err := r.step(flow.StepPlan, nil, r.cmd.line("plan", args...))
	if err != nil || code != 0 && code != exitChanges {
		return code, err
	}
	if err := r.showPlan(file); err != nil {
		return 1, err
	}
	if code == exitChanges && !r.cmd.is("auto-approve") {
		if ok, err := r.approved(); !ok {
			return 1, err
		}
	}
	known := r.readPlan(file)
	if r.signals.heard() {
		r.sayCancelled()
		return 1, nil
	}
	args = slices.Concat([]string{"-json"}, r.cmd.forApply(), r.variables("apply"), []string{file})
	return r.step(flow.StepApply, known, r.cmd.line("apply", args...))
}

// withVariables says since when, of each tool, a command about a plan takes the variables again
// that the plan was made with. It then needs them: for what is ephemeral, or opens the plan.
var withVariables = map[string]tofu.Maker{
	"apply of OpenTofu":  {Tool: "OpenTofu", Major: 1, Minor: 11},
	"apply of Terraform": {Tool: "Terraform", Major: 1, Minor: 10},
	"show of OpenTofu":   {Tool: "OpenTofu", Major: 1, Minor: 8},
}

// variables are what a command about a plan that was just made is to be given of them.
func (r *run) variables(command string) []string {
	if since, ok := withVariables[command+" of "+r.maker.Tool]; ok && !r.maker.Before(since) {
		return r.cmd.variables()
	}
	return nil
}

// approved asks the person. A signal is a no.
func (r *run) approved() (bool, error) {
	if v, given := r.cmd.value("input"); given && v == "false" {
		return false, fmt.Errorf("%s needs to be asked about and may not ask (-input=false): add -auto-approve, or apply a plan file", r.cmd.name)
	}
	question := "\nDo you want to perform these actions?\n  Only 'yes' will be accepted to approve.\n\n  Enter a value: "
	if r.cmd.name == "destroy" || r.cmd.is("destroy") {
		question = "\nDo you really want to destroy all resources?\n  There is no undo. Only 'yes' will be accepted to confirm.\n\n  Enter a value: "
	}
	fmt.Fprint(r.Stdout, question)
	answer := make(chan string, 1)
	go func() { answer <- readLine(r.Stdin) }()
	said := ""
	select {
	case said = <-answer:
	case <-r.signals.asked:
	}
	fmt.Fprintln(r.Stdout)
	if said != "yes" {
		r.sayCancelled()
		return false, nil
	}
	return true, nil
}

func (r *run) sayCancelled() {
	fmt.Fprintf(r.Stdout, "%s cancelled.\n", strings.ToUpper(r.cmd.name[:1])+r.cmd.name[1:])
}

// readLine reads one line and nothing after it, which is the tool's.
func readLine(in *os.File) string {
	var line []byte
	for b := make([]byte, 1); ; {
		if n, err := in.Read(b); err != nil && (n == 0 || err != io.EOF) || b[0] == '\n' {
			return strings.TrimSpace(string(line))
		}
		line = append(line, b[0])
	}
}

package tofu

import (
	"fmt"
	"slices"
	"strings"
)

// Screen renders messages as a person is used to see them.
type Screen struct {
	Paint
	Terse     bool // the plan is shown by other means: no line for each planned change
	Sensitive bool // values of sensitive outputs are shown, as the person asked for
	Destroy   bool // the plan that is applied is that of `destroy`
}

// unsaid are the types of messages of which the tool itself tells a person nothing.
var unsaid = []string{typeVersion, "refresh_complete", "provision_complete"}

// Text gives the lines to show, without the last newline; not ok where there are none.
func (s Screen) Text(m Message) (text string, ok bool) {
	switch {
	case m.Diagnostic != nil:
		return m.Diagnostic.Full(s.Paint), true
	case slices.Contains(unsaid, m.Type), s.Terse && s.ofPlan(m):
		return "", false
	case m.Type == typeOutputs:
		return s.outputs(m)
	case m.Type == typeSummary:
		return "\n" + s.bold(s.green(s.summary(m))), true
	case m.Resource != "" && strings.HasSuffix(m.Type, "_progress") == (m.Type == "apply_progress"):
		return s.bold(m.Text), true
	}
	return m.Text, true
}

func (s Screen) ofPlan(m Message) bool {
	switch m.Type {
	case typePlanned, "resource_drift":
		return true
	case typeSummary:
		return m.Summary != nil && m.Summary.Operation == "plan"
	case typeOutputs:
		return !hasValues(m.Outputs)
	}
	return false
}

// summary is in the words of the command that the person gave.
func (s Screen) summary(m Message) string {
	if s.Destroy && m.Summary != nil && m.Summary.Operation == "apply" {
		return fmt.Sprintf("Destroy complete! Resources: %d destroyed.", m.Summary.Remove)
	}
	return m.Text
}

func (s Screen) outputs(m Message) (string, bool) {
	switch {
	case len(m.Outputs) == 0:
		return "", false
	case !hasValues(m.Outputs):
		return m.Text, true
	}
	return "\n" + s.bold(s.green("Outputs:")) + "\n\n" + strings.Join(outputLines(m.Outputs, s.Sensitive), "\n"), true
}

// hasValues tells what there is after an apply from what a plan says of outputs.
func hasValues(outputs map[string]Output) bool {
	for _, o := range outputs {
		if o.Action == "" {
			return true
		}
	}
	return false
}

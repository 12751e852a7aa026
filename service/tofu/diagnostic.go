package tofu

import (
	"fmt"
	"strings"
)

// Diagnostic is an error or a warning of the tool.
type Diagnostic struct {
	Severity string   `json:"severity"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail"`
	Address  string   `json:"address"`
	Range    *Range   `json:"range"`
	Snippet  *Snippet `json:"snippet"`
}

// Range is the place in the configuration that a diagnostic is about.
type Range struct {
	Filename string `json:"filename"`
	Start    struct {
		Line int `json:"line"`
	} `json:"start"`
}

// Snippet is the text of the configuration at that place.
type Snippet struct {
	Context   *string `json:"context"`
	Code      string  `json:"code"`
	StartLine int     `json:"start_line"`
	Values    []struct {
		Traversal string `json:"traversal"`
		Statement string `json:"statement"`
	} `json:"values"`
}

func (d *Diagnostic) isError() bool { return d.Severity == "error" }

// title is its first line.
func (d *Diagnostic) title() string {
	if d.isError() {
		return "Error: " + d.Summary
	}
	return "Warning: " + d.Summary
}

// Brief says all of it but the code, as a log keeps it.
func (d *Diagnostic) Brief() string {
	s := d.title()
	if d.Detail != "" {
		s += ": " + strings.TrimSpace(d.Detail)
	}
	if where := d.where(); len(where) > 0 {
		s += "\n" + strings.Join(where, ", ")
	}
	return s
}

// where names the resource, and the place.
func (d *Diagnostic) where() (places []string) {
	if d.Address != "" {
		places = append(places, "with "+d.Address)
	}
	if d.Range != nil {
		place := fmt.Sprintf("on %s line %d", d.Range.Filename, d.Range.Start.Line)
		if d.Snippet != nil && d.Snippet.Context != nil {
			place += ", in " + *d.Snippet.Context
		}
		places = append(places, place)
	}
	return places
}

// Full is the diagnostic as the tool itself shows it: where it is, the code with the values
// in it, and the detail, beside a bar.
func (d *Diagnostic) Full(p Paint) string {
	colour, kind := p.red, "Error: "
	if !d.isError() {
		colour, kind = p.yellow, "Warning: "
	}
	lines := []string{colour("╷"), colour("│ ") + p.bold(colour(kind)) + p.bold(d.Summary)}
	body := d.code()
	if d.Detail != "" {
		body = append(append(body, ""), strings.Split(strings.TrimRight(d.Detail, "\n"), "\n")...)
	}
	for _, l := range body {
		lines = append(lines, strings.TrimRight(colour("│ ")+l, " "))
	}
	return strings.Join(append(lines, colour("╵")), "\n")
}

func (d *Diagnostic) code() (lines []string) {
	for i, place := range d.where() {
		if i == 0 {
			lines = append(lines, "")
		}
		end := ":"
		if strings.HasPrefix(place, "with ") {
			end = ","
		}
		lines = append(lines, "  "+place+end)
	}
	if d.Snippet == nil {
		return lines
	}
	for i, l := range strings.Split(strings.TrimRight(d.Snippet.Code, "\n"), "\n") {
		lines = append(lines, fmt.Sprintf("%4d: %s", d.Snippet.StartLine+i, l))
	}
	for _, v := range d.Snippet.Values {
		lines = append(lines, "    │ "+v.Traversal+" "+v.Statement)
	}
	return lines
}

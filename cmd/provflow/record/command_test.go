package record

import (
	"slices"
	"strings"
	"testing"
)

func TestCommandLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line     string
		recorded bool
		shown    string
	}{
		{"tofu apply", true, "tofu apply"},
		{"tofu -chdir=infra plan -out p", true, "tofu -chdir=infra plan -out p"},
		{"terraform destroy -auto-approve", true, "terraform destroy -auto-approve"},
		{"tofu apply -var pin=1234 -var=pw=x -var-file f.tfvars", true, "tofu apply -var pin=*** -var=pw=*** -var-file f.tfvars"},
		{"tofu init -backend-config=key=s3 -backend-config file.hcl", true, "tofu init -backend-config=key=*** -backend-config file.hcl"},
		{"tofu apply -help", false, "tofu apply -help"},
		{"tofu -version", false, "tofu -version "},
		{"tofu state list", false, "tofu state list"},
	}
	for _, tt := range tests {
		c := parseCommand(strings.Fields(tt.line))
		if c.recorded() != tt.recorded || c.String() != strings.TrimSpace(tt.shown) && c.name != "" {
			t.Errorf("%s: recorded %v, shown %s", tt.line, c.recorded(), c)
		}
	}
}

// An apply is done in two parts, and each flag goes where it belongs.
func TestAnAppliesFlags(t *testing.T) {
	t.Parallel()
	c := parseCommand(strings.Fields("tofu destroy -auto-approve -var a=b -target x.y -parallelism 3 -lock=false -backup=b -no-color -suppress-forget-errors -show-sensitive"))
	if got := strings.Join(c.forPlan(), " "); got != "-var a=b -target x.y -parallelism 3 -lock=false -no-color -show-sensitive -destroy" {
		t.Errorf("to the plan: %s", got)
	}
	if got := strings.Join(c.forApply(), " "); got != "-parallelism 3 -lock=false -backup=b -no-color -suppress-forget-errors -show-sensitive" {
		t.Errorf("to the apply: %s", got)
	}
	if len(c.plain()) > 0 || !c.is("auto-approve") || c.is("lock") {
		t.Errorf("plain arguments %v", c.plain())
	}
	if got := parseCommand(strings.Fields("tofu apply -var-file v p.plan")).plain(); !slices.Equal(got, []string{"p.plan"}) {
		t.Errorf("the plan file is %v", got)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var got []string
	l := &lines{each: func(line []byte) { got = append(got, string(line)) }}
	for _, part := range []string{"a", "b\r\nc\n", "\n", "d"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.flush()
	l.flush()
	if !slices.Equal(got, []string{"ab", "c", "", "d"}) {
		t.Errorf("got %q", got)
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What changes the code that a mutant breaks has to mend the mutant: by the time all of them
// are run nobody knows any more. Whether one still builds is left to that.
func TestEveryMutantFits(t *testing.T) {
	t.Chdir("../..")
	list, err := load("scripts/mutants", nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if out, err := exec.CommandContext(t.Context(), "git", "apply", "--check", "scripts/mutants/"+m.name+".patch").CombinedOutput(); err != nil {
			t.Errorf("%s no longer applies; make it anew: %s", m.name, out)
		}
		if !strings.Contains(string(page), "| `"+m.name+"` |") {
			t.Errorf("%s is not in docs/reliability.md", m.name)
		}
		if !there(t, m) {
			t.Errorf("%s: there is no test %s in %s", m.name, m.test, m.pkg)
		}
	}
}

// there reports whether the mutant's test is there.
func there(t *testing.T, m mutant) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(m.test, "/")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+strings.TrimSuffix(name, ".*")) {
			return true
		}
	}
	return false
}

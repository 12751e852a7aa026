// Command mutants tests the tests: it breaks a copy of the program in one way after another
// and wants the test that is named for it to fail. It never touches the tree it is run in.
//
// A mutant is a file NAME.patch beside this one: some lines of text that say what is broken,
// a line `Test: ./package TestName`, and a patch. A patch that no longer applies, and a
// mutant that does not build, are failures of the list and are said to be.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run tries the mutants of those names, or all of them.
func run(ctx context.Context, names []string) error {
	list, err := load("scripts/mutants", names)
	if err != nil {
		return err
	}
	tree, err := copyTree(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree.dir) //nolint:errcheck // a temporary folder
	var bad []string
	for i, m := range list {
		begun := time.Now()
		verdict := tree.try(ctx, m)
		fmt.Printf("%2d/%d %-8s %5.1fs  %s: %s\n", i+1, len(list), verdict.word, time.Since(begun).Seconds(), m.name, m.test)
		if verdict.word != caught {
			fmt.Println(indent(verdict.why))
			bad = append(bad, m.name)
		}
	}
	fmt.Printf("%d mutants, %d caught\n", len(list), len(list)-len(bad))
	if len(bad) > 0 {
		return fmt.Errorf("not caught: %s", strings.Join(bad, ", "))
	}
	return nil
}

// mutant is one way to break the program, and the test that must see it.
type mutant struct {
	name, patch string
	pkg, test   string
}

func load(dir string, names []string) ([]mutant, error) {
	pattern := []string{"*"}
	if len(names) > 0 {
		pattern = names
	}
	var list []mutant
	for _, p := range pattern {
		files, err := filepath.Glob(filepath.Join(dir, p+".patch"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("there is no mutant %q in %s", p, dir)
		}
		for _, f := range files {
			m, err := read(f)
			if err != nil {
				return nil, err
			}
			list = append(list, m)
		}
	}
	return list, nil
}

func read(file string) (mutant, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return mutant{}, err
	}
	m := mutant{name: strings.TrimSuffix(filepath.Base(file), ".patch"), patch: string(b)}
	for line := range strings.Lines(m.patch) {
		if rest, ok := strings.CutPrefix(line, "Test: "); ok {
			m.pkg, m.test, _ = strings.Cut(strings.TrimSpace(rest), " ")
		}
	}
	if m.test == "" {
		return m, fmt.Errorf("%s has no line `Test: ./package TestName`", file)
	}
	return m, nil
}

func indent(s string) string {
	return "      " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n      ")
}

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An error's slug, wherever the code makes one.
var slugInCode = regexp.MustCompile(`(?:Slug: +|Error: +|slug\w* += +|(?:Invalidf|NotFoundf|Conflictf|forbidden)\()"([a-z]+(?:-[a-z]+)+|internal|unauthorized|forbidden|interrupted|stopping|draining|constraint)"`)

// No client gets these: they are about flags, kubeconfigs, and replicas among themselves.
var ownSlugs = []string{
	"invalid-name", "invalid-prefix", "invalid-scope", "large-kubeconfig", "second-kubeconfig", "term-over", "token-not-found", "unexplained-kubeconfig",
}

func TestEveryErrorIsDocumentedAndEveryDocumentedOneIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| status | slugs | |")
	var documented []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, found := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[2], -1) {
				documented = append(documented, found[1])
			}
		}
	}
	slices.Sort(documented)
	if made := slugsIn(t, "../.."); !slices.Equal(made, documented) {
		t.Errorf("made       %q\ndocumented %q", made, documented)
	}
}

// slugsIn reads all Go files below a folder that are no tests.
func slugsIn(t *testing.T, folder string) (slugs []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range slugInCode.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(ownSlugs, found[1]) {
				slugs = append(slugs, found[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(slugs)
	return slices.Compact(slugs)
}

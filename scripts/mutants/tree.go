package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// What becomes of a mutant. Only the first is good.
const (
	caught = "caught"
	missed = "MISSED"
	stale  = "STALE" // the patch no longer applies
	broken = "BROKEN"
)

// bound is for one mutant: a test that a mutant makes wait for ever has caught it.
const bound = 2 * time.Minute

type verdict struct{ word, why string }

// tree is a copy of the working tree, with what is not committed.
type tree struct{ dir string }

func copyTree(ctx context.Context) (tree, error) {
	dir, err := os.MkdirTemp("", "provflow-mutants-")
	if err != nil {
		return tree{}, err
	}
	list, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return tree{}, fmt.Errorf("listing the tree: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		if err := copyFile(name, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return tree{}, err
		}
	}
	if fetched, err := filepath.Abs(".postgres"); err == nil { // what `make postgres` may have put there
		_ = os.Symlink(fetched, filepath.Join(dir, ".postgres"))
	}
	return tree{dir}, nil
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// try breaks the copy, runs the test, and mends the copy again.
func (t tree) try(ctx context.Context, m mutant) verdict {
	if out, err := t.patch(ctx, m); err != nil {
		return verdict{stale, "the patch no longer applies; make it anew: " + out}
	}
	defer t.patch(ctx, m, "--reverse") //nolint:errcheck // it has been applied
	out, err := t.command(ctx, "go", "test", "-count=1", "-timeout", bound.String(), "-run", exactly(m.test), m.pkg)
	switch {
	case err == nil && strings.Contains(out, "no tests to run"):
		return verdict{broken, "there is no such test"}
	case err == nil:
		return verdict{missed, "the test passes although the program is broken:\n" + m.what()}
	case strings.Contains(out, "--- FAIL") || strings.Contains(out, "test timed out"):
		return verdict{word: caught}
	}
	return verdict{broken, out}
}

// exactly matches one test, or one sub-test.
func exactly(test string) string { return "^" + strings.ReplaceAll(test, "/", "$/^") + "$" }

func (t tree) patch(ctx context.Context, m mutant, flags ...string) (string, error) {
	file := filepath.Join(t.dir, m.name+".patch")
	if err := os.WriteFile(file, []byte(m.patch), 0o600); err != nil {
		return "", err
	}
	return t.command(ctx, "git", append([]string{"apply", "--whitespace=nowarn"}, append(flags, file)...)...)
}

func (t tree) command(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(t.dir))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// what is the text before the patch.
func (m mutant) what() string {
	text, _, _ := strings.Cut(m.patch, "\ndiff ")
	return text
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Each signal is the tool's to answer, and reaches it once; the exit code is what it makes of it.
func TestSignalsAreTheTools(t *testing.T) {
	t.Parallel()
	const script = `#!/bin/sh
for s in INT TERM HUP QUIT; do trap "echo heard $s; heard=yes" $s; done
echo began
until [ "$heard" ]; do sleep 0.05; done
exit 9
`
	for name, signal := range map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := recordScript(t, script, "init")
			eventually(t, "the tool to begin", func() bool { return strings.Contains(p.said(), "began") || p.ended() })
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it to end", p.ended)
			if code := p.cmd.ProcessState.ExitCode(); code != 9 || strings.Count(p.said(), "heard") != 1 || !strings.Contains(p.said(), "heard "+name) {
				t.Errorf("exit code %d: %s", code, p.said())
			}
		})
	}
}

// Who interrupts the plan while it is shown wants none of it to be done.
func TestAnInterruptBeforeTheApplyIsANo(t *testing.T) {
	t.Parallel()
	p := recordScript(t, `#!/bin/sh
case "$1" in
plan) exit 2;;
show) trap heard=yes INT; kill -INT $PPID; until [ "$heard" ]; do sleep 0.05; done;;
apply) echo applied;;
esac
`, "apply", "-auto-approve")
	eventually(t, "it to end", p.ended)
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.HasPrefix(p.said(), "Apply cancelled.\n") || strings.Contains(p.said(), "applied") {
		t.Errorf("exit code %d: %s", code, p.said())
	}
}

// Who read what is shown is gone, as a tee is that was interrupted too: an apply goes on to its
// end, and is recorded.
func TestAnApplyGoesOnThoughNobodyReadsIt(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer writer.Close()
	applied := filepath.Join(t.TempDir(), "applied")
	tool, env := scriptInPlaceOfTheTool(t, `#!/bin/sh
for i in 1 2 3 4 5; do echo "line $i" || exit 8; done
touch `+applied+`
exit 9
`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, t, "record", "--deployment", "d1", "--", tool, "apply", "p.plan")
	cmd.Env, cmd.Stdout = append(cmd.Env, env...), writer
	_ = cmd.Run()
	if _, err := os.Stat(applied); err != nil || cmd.ProcessState.ExitCode() != 9 {
		t.Errorf("it ended with %v; %v", cmd.ProcessState, err)
	}
}

// recordScript records a run of a script in place of the tool, with no server there.
func recordScript(t *testing.T, script string, args ...string) *program {
	t.Helper()
	tool, env := scriptInPlaceOfTheTool(t, script)
	return beginWith(t, env, append([]string{"record", "--deployment", "d1", "--", tool}, args...)...)
}

func scriptInPlaceOfTheTool(t *testing.T, script string) (tool string, env []string) {
	t.Helper()
	tool = filepath.Join(t.TempDir(), "tofu")
	if err := os.WriteFile(tool, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return tool, []string{"PROVFLOW_SERVER=http://127.0.0.1:1", "PROVFLOW_SPOOL=" + t.TempDir(), "PROVFLOW_WAIT=1ms"}
}

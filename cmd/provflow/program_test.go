package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram in its environment makes the test binary the program itself (see TestMain).
const asProgram = "PROVFLOW_TEST_AS_PROGRAM"

// program is provflow as a process of its own, with a private server in dir.
type program struct {
	*replica
	dir  string
	cmd  *exec.Cmd
	log  string // file of all it says
	done chan struct{}
}

// dataDir gives a folder for a private server. It is not t.TempDir, which only its owner
// can enter: run by root, the server is somebody else.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "provflow-test-program-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

// command is the program, not yet started, in an environment that names no database.
func command(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = []string{asProgram + "=1", "PROVFLOW_DRAIN=0"}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DATABASE_URL") && !strings.HasPrefix(kv, "PROVFLOW_LISTEN") && !strings.HasPrefix(kv, "PROVFLOW_DATA") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	return cmd
}

// launch starts `provflow serve` on a data folder and waits until it is ready.
func launch(t testing.TB, dir string) *program {
	t.Helper()
	return launchWith(t, dir, nil)
}

// launchWith is launch in an environment of one's own.
func launchWith(t testing.TB, dir string, env []string) *program {
	t.Helper()
	p := beginWith(t, env, "serve", "--listen", "127.0.0.1:0", "--data-dir", dir)
	p.dir = dir
	address := regexp.MustCompile(`msg=serving address=(\S+)`)
	eventually(t, "the program to serve", func() bool {
		if p.ended() {
			t.Fatalf("it ended: %s", p.said())
		}
		found := address.FindStringSubmatch(p.said())
		if found != nil {
			p.url = found[1]
		}
		return found != nil
	})
	p.waitReady()
	return p
}

// beginWith starts the program; it is killed when the test ends.
func beginWith(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &program{replica: &replica{t: t}, log: out.Name(), done: make(chan struct{})}
	p.cmd = command(context.Background(), t, args...)
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(p.killAll)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what %v said:\n%s", args, p.said())
		}
	})
	return p
}

func (p *program) said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p *program) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the program as a power cut would; its server is told by the kernel.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// killAll waits for the server too, which writes into the folder until its end.
func (p *program) killAll() {
	postgres := p.postgresPID()
	p.kill()
	eventually(p.t, "the private server's end", func() bool { return !alive(postgres) })
}

// terminate asks the program to stop and gives its exit code.
func (p *program) terminate() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("it did not stop: %s", p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

// postmaster reads a line, from 1, of what the private server says of itself.
func (p *program) postmaster(line int) string {
	text, _ := os.ReadFile(filepath.Join(p.dir, "pg", "postmaster.pid"))
	lines := append(strings.Split(string(text), "\n"), make([]string, line)...)
	return strings.TrimSpace(lines[line-1])
}

func (p *program) postgresPID() int {
	pid, _ := strconv.Atoi(p.postmaster(1))
	return pid
}

func (p *program) dsn() string {
	q := url.Values{"host": {p.postmaster(5)}, "port": {p.postmaster(4)}, "user": {"provflow"}, "sslmode": {"disable"}}
	return "postgres:///provflow?" + q.Encode()
}

func alive(pid int) bool { return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// outcome is what a program that was left to end by itself had to say.
type outcome struct {
	code int
	text string
}

func (o outcome) String() string { return fmt.Sprintf("exit code %d: %s", o.code, o.text) }

// run runs the program to its end, within a bound.
func run(t testing.TB, env []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, t, args...)
	cmd.Env = append(cmd.Env, env...)
	text, _ := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%v did not end: %s", args, text)
	}
	return outcome{cmd.ProcessState.ExitCode(), string(text)}
}

// want checks the exit code and the words of an outcome.
func (o outcome) want(t testing.TB, code int, words ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("want exit code %d, got %s", code, o)
	}
	for _, w := range words {
		if !strings.Contains(o.text, w) {
			t.Errorf("%q is not said: %s", w, o)
		}
	}
}

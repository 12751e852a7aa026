package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const helperEnv = "PROVFLOW_TEST_EMBEDDED_HELPER"

// helper is a program that uses a private server until it is killed: the test
// binary, started again by a test.
func helper(dir string) int {
	s, err := Start(context.Background(), Options{DataDir: dir, Settings: map[string]string{"fsync": "off"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.proc.cmd.Process.Pid, s.DSN())
	<-s.Done()
	return 0
}

// program starts the helper and gives its server's pid and DSN.
func program(t *testing.T, dir string) (cmd *exec.Cmd, pid int, dsn string) {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	cmd = exec.Command(exe)
	cmd.Env = append(os.Environ(), helperEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	check(t, err)
	_, err = fmt.Sscan(line, &pid, &dsn)
	check(t, err)
	return cmd, pid, dsn
}

func TestKilledProgramTakesItsServerAlong(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd, pid, dsn := program(t, dir)
	keep(t, dsn)
	check(t, cmd.Process.Kill())
	_ = cmd.Wait()

	// At once, while the orphan is still writing its checkpoint.
	s := start(t, Options{DataDir: dir})
	if s.proc.cmd.Process.Pid == pid {
		t.Error("the orphan was taken for a new server")
	}
	wantKept(t, s.DSN())
	check(t, s.Stop(within(t)))
}

func TestKilledProgramAndServerRecover(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd, pid, dsn := program(t, dir)
	keep(t, dsn)
	check(t, syscall.Kill(pid, syscall.SIGKILL))
	check(t, cmd.Process.Kill())
	_ = cmd.Wait()

	s := start(t, Options{DataDir: dir})
	wantKept(t, s.DSN())
	check(t, s.Stop(within(t)))
}

func TestFolderOfALiveProgramIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd, pid, dsn := program(t, dir)
	_, err := Start(within(t), Options{DataDir: dir})
	wantError(t, err, fmt.Sprint(cmd.Process.Pid), dir)
	if got := value(t, dsn, "SELECT 1"); got != "1" || syscall.Kill(pid, 0) != nil {
		t.Error("the refused start disturbed the other program's server")
	}
}

// TestOrphanIsAwaited makes the orphan linger: the lock is free, the server still
// runs, and it is told to stop only after the second start has met it.
func TestOrphanIsAwaited(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, Options{DataDir: dir})
	keep(t, s.DSN())
	s.lock.release() // as the kernel does for a killed program

	started := make(chan error, 1)
	var second *Server
	go func() {
		var err error
		second, err = Start(within(t), Options{DataDir: dir, Settings: map[string]string{"fsync": "off"}})
		started <- err
	}()
	awaitLog(t, s.home, `lock file "postmaster.pid" already exists`)
	check(t, syscall.Kill(s.proc.cmd.Process.Pid, syscall.SIGINT))
	select {
	case err := <-started:
		check(t, err)
	case <-time.After(bound):
		t.Fatal("the second start never came up")
	}
	wantKept(t, second.DSN())
	check(t, second.Stop(within(t)))
}

func awaitLog(t *testing.T, h home, words string) {
	t.Helper()
	for ctx := within(t); ; {
		text, err := os.ReadFile(h.logFile())
		check(t, err)
		if strings.Contains(string(text), words) {
			return
		}
		check(t, pause(ctx, pollInterval))
	}
}

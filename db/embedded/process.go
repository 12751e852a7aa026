package embedded

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a child of ours. It is stopped by the kernel when the program ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // why it ended; to be read after done
}

// launch starts a child as the server's user, in a process group of its own so
// that Ctrl-C reaches the program only.
func (s *Server) launch(cmd *exec.Cmd, out *serverLog) (*process, error) {
	cmd.Dir = s.home.dir
	cmd.Env = childEnv()
	cmd.Stdout, cmd.Stderr = out.file, out.file
	cmd.SysProcAttr = childAttr(s.home.acct)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	return p, <-started
}

// run starts the child and waits for it on one thread: the kernel's signal at the
// parent's death is tied to the thread that started the child, and Go ends idle threads.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	if err == nil {
		defer close(p.done)
	}
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
}

// stopped sends a signal and says whether the child ended in time.
func (p *process) stopped(ctx context.Context, sig syscall.Signal, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = p.cmd.Process.Signal(sig) // fails only where it has ended
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
	}
	select { // both may be true
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the child and its group at once.
func (p *process) kill() {
	select {
	case <-p.done: // its number may be another's by now
		return
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}

// childEnv is our environment without what would change the server's mind: PG*
// variables, and the locale, which decides about messages and sort order.
func childEnv() []string {
	env := []string{"LC_ALL=" + locale, "TZ=UTC"}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "PG") && !strings.HasPrefix(name, "LC_") && !strings.HasPrefix(name, "LANG") && name != "TZ" {
			env = append(env, kv)
		}
	}
	return env
}

func credential(a account) *syscall.Credential {
	if !a.drop {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// orphanPatience is how long output is waited for that something the tool left running
// still holds open.
const orphanPatience = 2 * time.Second

// passed are the signals that are the tool's; typed are those of them that a terminal sends to
// all who read from it.
var (
	typed  = []os.Signal{syscall.SIGINT, syscall.SIGQUIT}
	passed = append([]os.Signal{syscall.SIGTERM, syscall.SIGHUP}, typed...)
)

// signals are passed on to the tool, each once. They end nothing here: the tool decides.
type signals struct {
	arrived chan os.Signal
	asked   chan struct{} // closed with the first
	urged   chan struct{} // closed with the second
	stopped chan struct{}
	pipe    chan os.Signal // nobody reads it

	mu    sync.Mutex
	child *os.Process
	alone bool // the child is not in the terminal's group: it hears of nothing by itself
}

func catchSignals() *signals {
	s := &signals{arrived: make(chan os.Signal, 8), asked: make(chan struct{}), urged: make(chan struct{}), stopped: make(chan struct{}), pipe: make(chan os.Signal)}
	signal.Notify(s.arrived, passed...)
	// Who read what is shown is gone (a tee that was interrupted too): that is no reason to die
	// in the middle of an apply, and take the tool along.
	signal.Notify(s.pipe, syscall.SIGPIPE)
	go s.pass()
	return s
}

func (s *signals) pass() {
	for n := 1; ; n++ {
		select {
		case sig := <-s.arrived:
			s.mu.Lock()
			if s.child != nil && (s.alone || !slices.Contains(typed, sig)) {
				_ = s.child.Signal(sig)
			}
			if n <= 2 {
				close([]chan struct{}{s.asked, s.urged}[n-1])
			}
			s.mu.Unlock()
		case <-s.stopped:
			return
		}
	}
}

// errStopped says that the tool was not run any more.
var errStopped = errors.New("it was interrupted before that")

// start begins a child to which signals go; none after the first signal, of whatever part of
// the run that was: who interrupts a plan while it is shown wants no apply.
func (s *signals) start(cmd *exec.Cmd, alone bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard() {
		return errStopped
	}
	err := cmd.Start()
	s.child, s.alone = cmd.Process, alone
	return err
}

// leave says that the child has ended.
func (s *signals) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.child = nil
}

func (s *signals) heard() bool {
	select {
	case <-s.asked:
		return true
	default:
		return false
	}
}

// another gives a channel that is closed with the next signal.
func (s *signals) another() <-chan struct{} {
	next := make(chan os.Signal, 1)
	signal.Notify(next, passed...)
	heard := make(chan struct{})
	go func() {
		defer signal.Stop(next)
		select {
		case <-next:
			close(heard)
		case <-s.stopped:
		}
	}()
	return heard
}

func (s *signals) stop() {
	signal.Stop(s.arrived)
	signal.Stop(s.pipe)
	close(s.stopped)
}

// child runs the tool to its end and gives its exit code, 128 and the signal's number where
// a signal ended it. Its standard input is ours.
//
// At a terminal it is in our process group, so that the terminal's own signals (Ctrl-C) reach
// it as they would without us, and only what is sent to us alone is passed on. Elsewhere it
// has a group of its own, so that a signal to the whole of ours reaches it once.
func (r *run) child(args []string, out, errs io.Writer) (int, error) {
	cmd := exec.CommandContext(context.Background(), r.cmd.tool, args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Env, r.Stdin, out, errs
	cmd.WaitDelay = orphanPatience
	alone := terminal(r.Stdin) == nil
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: alone}
	if err := r.signals.start(cmd, alone); err != nil {
		return 127, fmt.Errorf("running %s: %w", r.cmd.tool, err)
	}
	err := cmd.Wait()
	r.signals.leave()
	state := cmd.ProcessState
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return max(state.ExitCode(), 1), err
	}
	return state.ExitCode(), nil
}

// lines splits what is written into lines, and gives each on as soon as it is whole.
type lines struct {
	each func(line []byte)
	rest []byte
}

// longestLine is where a line without an end is cut.
const longestLine = 16 << 20

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n') + 1
		if end == 0 && len(l.rest) < longestLine {
			return len(p), nil
		}
		if end == 0 {
			end = len(l.rest)
		}
		l.each(bytes.TrimRight(l.rest[:end], "\r\n"))
		l.rest = l.rest[end:]
	}
}

// flush gives on a last line that has no end.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.each(l.rest)
		l.rest = nil
	}
}

package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	orphanPatience = time.Minute // a fast shutdown writes a checkpoint first
	pollInterval   = 20 * time.Millisecond
	retryInterval  = 200 * time.Millisecond
)

// errHeld says that another postgres still has the cluster. We hold the folder's
// lock, so it is an orphan on its way out.
var errHeld = errors.New("an earlier PostgreSQL still uses the data")

// launchUntilReady starts postgres, again as long as an orphan is in the way. It
// leaves postmaster.pid to PostgreSQL, which knows best whether its owner lives.
func (s *Server) launchUntilReady(ctx context.Context) error {
	deadline := time.Now().Add(orphanPatience)
	for first := true; ; first = false {
		err := s.launchOnce(ctx)
		if err == nil || !errors.Is(err, errHeld) || time.Now().After(deadline) {
			return err
		}
		if first {
			s.log.Info("waiting for an earlier PostgreSQL to end", "dir", s.home.dir, "pid", s.pidInFile())
			hurryOrphan(s.pidInFile())
		}
		if err := pause(ctx, retryInterval); err != nil {
			return err
		}
	}
}

func (s *Server) launchOnce(ctx context.Context) error {
	out, err := s.openLog()
	if err != nil {
		return err
	}
	defer out.close()
	exe := filepath.Join(s.bin.dir, "postgres")
	cmd := exec.Command(exe, s.args()...) //nolint:noctx // the server outlives the context of its start
	proc, err := s.launch(cmd, out)
	if err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	if err := s.awaitReady(ctx, proc); err != nil {
		proc.kill()
		<-proc.done
		return explain(err, out.tail())
	}
	s.proc = s.watched(proc)
	return nil
}

// watched gives a process whose done is closed after the clean-up of its end.
func (s *Server) watched(proc *process) *process {
	w := &process{cmd: proc.cmd, done: make(chan struct{})}
	go func() {
		<-proc.done
		w.err = proc.err
		s.ended(w.err)
		close(w.done)
	}()
	return w
}

// awaitReady watches the line in postmaster.pid that pg_ctl watches too. The pid
// must be our child's: an orphan on the same socket does not count.
func (s *Server) awaitReady(ctx context.Context, proc *process) error {
	for {
		status := readLine(s.pidFile(), 8)
		if s.pidInFile() == proc.cmd.Process.Pid && (status == "ready" || status == "standby") {
			return nil
		}
		select {
		case <-proc.done:
			return fmt.Errorf("postgres ended: %w", proc.err)
		default:
		}
		if err := pause(ctx, pollInterval); err != nil {
			return err
		}
	}
}

func (s *Server) pidFile() string { return filepath.Join(s.home.cluster(), "postmaster.pid") }

func (s *Server) pidInFile() int {
	pid, _ := strconv.Atoi(readLine(s.pidFile(), 1))
	return pid
}

// args puts our own settings last: nothing may open a TCP port or move the socket.
func (s *Server) args() []string {
	settings := map[string]string{"synchronous_commit": "on", "timezone": "UTC", "log_timezone": "UTC", "cluster_name": "provflow"}
	maps.Copy(settings, s.settings)
	maps.Copy(settings, map[string]string{
		"listen_addresses": "", "port": port, "unix_socket_directories": quoteListItem(s.socket),
		"unix_socket_permissions": "0700", "logging_collector": "off", "log_destination": "stderr", "lc_messages": "C",
	})
	args := []string{"-D", s.home.cluster()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// quoteListItem keeps a comma or a blank in a path from splitting it.
func quoteListItem(path string) string {
	return `"` + strings.ReplaceAll(path, `"`, `""`) + `"`
}

// explain adds what the server said last and recognises an orphan by it.
func explain(err error, tail string) error {
	for _, sign := range []string{
		`lock file "postmaster.pid" already exists`,
		"pre-existing shared memory block",
		"is another postmaster",
	} {
		if strings.Contains(strings.ToLower(tail), strings.ToLower(sign)) {
			err = fmt.Errorf("%w: %w", errHeld, err)
			break
		}
	}
	return fmt.Errorf("%w\nthe last lines of the server's log:\n%s", err, tail)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

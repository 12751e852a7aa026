package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// clusterVersion is the major version that made the cluster; 0 where there is none yet.
func (h home) clusterVersion() int {
	major, _ := strconv.Atoi(readLine(filepath.Join(h.cluster(), "PG_VERSION"), 1))
	return major
}

// ensureCluster makes the cluster where there is none and refuses one that the
// binaries at hand cannot run. It never deletes one.
func (s *Server) ensureCluster(ctx context.Context) error {
	dir := s.home.cluster()
	if exists(filepath.Join(s.home.dir, "PG_VERSION")) {
		return errors.New("the folder is the data folder of another PostgreSQL; choose another --data-dir")
	}
	if !exists(dir) {
		return s.initCluster(ctx)
	}
	made := readLine(filepath.Join(dir, "PG_VERSION"), 1)
	switch {
	case made == "":
		return fmt.Errorf("%s is no PostgreSQL data folder (it has no PG_VERSION); move it away or choose another --data-dir", dir)
	case made != strconv.Itoa(s.bin.major):
		return fmt.Errorf("the data was made by PostgreSQL %s, but %s is version %s; install PostgreSQL %s, "+
			"or choose another --data-dir (nothing was changed)", made, s.bin.dir, s.bin.version, made)
	}
	return s.adopt(dir)
}

// adopt gives a cluster that root copied here to the server's user.
func (s *Server) adopt(dir string) error {
	fi, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if uid, _ := ownerOf(fi); uid == 0 {
		return s.home.acct.giveAll(dir)
	}
	return nil
}

// initCluster makes a new cluster under another name and renames it: a kill in
// the middle leaves nothing that could be taken for data.
func (s *Server) initCluster(ctx context.Context) error {
	halves, _ := filepath.Glob(filepath.Join(s.home.dir, clusterName+".new-*"))
	for _, half := range halves {
		if err := os.RemoveAll(half); err != nil {
			return err
		}
	}
	half, err := os.MkdirTemp(s.home.dir, clusterName+".new-*")
	if err != nil {
		return err
	}
	if err := s.home.acct.give(half); err != nil {
		return err
	}
	if err := s.initdb(ctx, half); err != nil {
		return errors.Join(err, os.RemoveAll(half))
	}
	if err := os.Rename(half, s.home.cluster()); err != nil {
		return err
	}
	return syncDir(s.home.dir)
}

// initdb trusts local connections: only the owner of the socket's folder gets that far.
func (s *Server) initdb(ctx context.Context, dir string) error {
	args := []string{"-D", dir, "-U", admin, "--auth=trust", "--encoding=UTF8", "--locale=" + locale, "--data-checksums"}
	if s.settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	out, err := s.openLog()
	if err != nil {
		return err
	}
	defer out.close()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin.dir, "initdb"), args...)
	proc, err := s.launch(cmd, out)
	if err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	<-proc.done
	if proc.err != nil {
		return fmt.Errorf("initdb: %w\n%s", proc.err, out.tail())
	}
	return nil
}

// syncDir makes a rename durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readLine gives one line of a small file, counted from 1; "" where there is none.
func readLine(path string, n int) string {
	text, _ := os.ReadFile(path)
	lines := strings.Split(string(text), "\n")
	if len(lines) < n {
		return ""
	}
	return strings.TrimSpace(lines[n-1])
}

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const clusterName = "pg"

// spareBase is where data goes that cannot stay where it was wanted; the temp
// folder is the last resort.
var spareBase = "/var/lib/provflow"

// home is a data folder that exists and that the server's user can enter.
type home struct {
	dir  string
	acct account
}

func (h home) cluster() string { return filepath.Join(h.dir, clusterName) }
func (h home) logFile() string { return filepath.Join(h.dir, "postgres.log") }

// unreachable is why a folder cannot hold the data of a given user.
type unreachable struct{ reason string }

func (u *unreachable) Error() string { return u.reason }

// settle finds the folder that really holds the data: the wanted one, or, where
// the server's user cannot use it, a spare one that depends on the wanted path
// only, so that the next start finds the data again.
func settle(wanted string, log *slog.Logger) (home, error) {
	dir, err := resolve(wanted)
	if err != nil {
		return home{}, err
	}
	h, err := claim(dir)
	var closed *unreachable
	if err == nil || !errors.As(err, &closed) {
		return h, err
	}
	if exists(filepath.Join(dir, clusterName)) {
		return home{}, fmt.Errorf("%s holds data, but %w", dir, err)
	}
	h, err = settleElsewhere(dir)
	if err != nil {
		return home{}, errors.Join(closed, err)
	}
	log.Warn("the wanted data folder cannot be used by the database's user, the data is kept elsewhere",
		"wanted", dir, "dir", h.dir, "reason", closed.reason)
	return h, nil
}

func settleElsewhere(wanted string) (home, error) {
	sum := sha256.Sum256([]byte(wanted))
	name := hex.EncodeToString(sum[:6])
	if err := os.MkdirAll(spareBase, 0o755); err == nil {
		if h, err := claim(filepath.Join(spareBase, name)); err == nil {
			return h, nil
		}
	}
	tmp, err := resolve(os.TempDir())
	if err != nil {
		return home{}, err
	}
	acct, err := defaultAccount() // only root's data ever moves
	if err != nil {
		return home{}, err
	}
	dir := filepath.Join(tmp, "provflow-"+name)
	if err := acct.refuseStranger(dir); err != nil {
		return home{}, err
	}
	return claim(dir)
}

// refuseStranger fails where a path in a shared folder was made by somebody else,
// who could read what is put there.
func (a account) refuseStranger(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	uid, _ := ownerOf(fi)
	ours := int(uid) == os.Geteuid() || a.drop && uid == a.uid
	if !fi.IsDir() || !ours {
		return fmt.Errorf("%s belongs to somebody else", path)
	}
	return nil
}

// claim makes a folder usable by the server's user; *unreachable where it cannot be.
func claim(dir string) (home, error) {
	acct, err := accountFor(dir)
	if err != nil {
		return home{}, err
	}
	if at := acct.blockedAt(nearest(filepath.Dir(dir))); at != "" {
		return home{}, acct.cannotEnter(at)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return home{}, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return home{}, err
	}
	// No other folder changes hands: what is in it may be anybody's.
	if empty(dir) || copiedByRoot(dir) {
		if err := acct.give(dir); err != nil {
			return home{}, &unreachable{fmt.Sprintf("%s cannot be given to user %s: %v", dir, acct.name, err)}
		}
	}
	if at := acct.blockedAt(dir); at != "" {
		return home{}, acct.cannotEnter(at)
	}
	return home{dir: dir, acct: acct}, nil
}

func (a account) cannotEnter(dir string) error {
	return &unreachable{fmt.Sprintf("user %s, who runs the server, cannot enter %s", a.name, dir)}
}

// resolve gives the absolute path without symbolic links, of which the last parts
// need not exist yet.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	there := nearest(abs)
	rest := strings.TrimPrefix(abs, there)
	real, err := filepath.EvalSymlinks(there)
	if err != nil {
		return "", err
	}
	return filepath.Join(real, rest), nil
}

// nearest is the longest part of an absolute path that exists.
func nearest(path string) string {
	for !exists(path) && path != filepath.Dir(path) {
		path = filepath.Dir(path)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// copiedByRoot recognises a data folder that root brought back from a backup.
func copiedByRoot(dir string) bool {
	fi, err := os.Stat(dir)
	if err != nil || !exists(filepath.Join(dir, clusterName)) {
		return false
	}
	uid, _ := ownerOf(fi)
	return uid == 0
}

func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// bringWithinReach copies the binaries next to the data where the server's user
// cannot run them, as when a clone inside /root fetched them. PostgreSQL finds
// its libraries and its share folder relative to itself, so the copy works.
func (h home) bringWithinReach(b binaries) (binaries, error) {
	exe, err := filepath.EvalSymlinks(filepath.Join(b.dir, "postgres"))
	if err != nil {
		return b, err
	}
	fi, err := os.Stat(exe)
	if err != nil {
		return b, err
	}
	if h.acct.blockedAt(filepath.Dir(exe)) == "" && h.acct.may(fi, 0o1) && h.acct.may(fi, 0o4) {
		return b, nil
	}
	// The name changes with the binaries, so an old copy is never taken for a new one.
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", exe, fi.Size(), fi.ModTime().UnixNano()))
	copied := filepath.Join(h.dir, "server", b.version+"-"+hex.EncodeToString(sum[:4]))
	if !exists(copied) {
		if err := copyServer(filepath.Dir(b.dir), copied); err != nil {
			return b, fmt.Errorf("copying PostgreSQL to where user %s can run it: %w", h.acct.name, err)
		}
	}
	b.dir = filepath.Join(copied, "bin")
	return b, nil
}

// copyServer copies an installation; the target appears by rename, whole or not at all.
func copyServer(from, to string) error {
	base := filepath.Dir(to)
	if err := os.RemoveAll(base); err != nil { // copies of older binaries, and halves of one
		return err
	}
	if err := makeOpen(base); err != nil {
		return err
	}
	half := to + ".new"
	if err := makeOpen(half); err != nil {
		return err
	}
	for _, part := range []string{"bin", "lib", "lib64", "share"} {
		if err := copyTree(filepath.Join(from, part), filepath.Join(half, part)); err != nil {
			return err
		}
	}
	return os.Rename(half, to)
}

// makeOpen makes a folder that everybody can enter, whatever the umask.
func makeOpen(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == from {
			return nil // not every installation has every part
		}
		if err != nil {
			return err
		}
		target := filepath.Join(to, path[len(from):])
		switch {
		case d.IsDir():
			return makeOpen(target)
		case d.Type()&fs.ModeSymlink != 0:
			return copyLink(path, target)
		default:
			return linkOrCopy(path, target)
		}
	})
}

func copyLink(path, target string) error {
	to, err := os.Readlink(path)
	if err != nil {
		return err
	}
	if filepath.IsAbs(to) {
		return copyFile(to, target)
	}
	return os.Symlink(to, target)
}

// linkOrCopy spares 60 MB where a second name for a readable file is possible.
func linkOrCopy(path, target string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if fi.Mode()&0o004 != 0 && os.Link(path, target) == nil {
		return nil
	}
	return copyFile(path, target)
}

func copyFile(path, target string) (err error) {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	everybody := fi.Mode().Perm() & 0o700
	return out.Chmod(everybody | everybody&0o500>>3 | everybody&0o500>>6)
}

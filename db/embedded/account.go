package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user the server runs as. The zero account is the program's own.
type account struct {
	name     string
	uid, gid uint32
	drop     bool // the program is root and must become this user first
}

// accountFor says who is to run the server of a data folder: the program's own
// user, or where that is root the owner of the cluster (it was begun without
// root), postgres or nobody.
func accountFor(dir string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	if fi, err := os.Lstat(filepath.Join(dir, clusterName)); err == nil {
		if uid, gid := ownerOf(fi); uid != 0 {
			return account{name: "uid " + strconv.Itoa(int(uid)), uid: uid, gid: gid, drop: true}, nil
		}
	}
	return defaultAccount()
}

// defaultAccount is whom root becomes for a folder without data.
func defaultAccount() (account, error) {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root and there is no user postgres or nobody: create one, or start as another user")
}

func accountOf(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uint32(uid), gid: uint32(gid), drop: true}, nil
}

// give makes the account the owner of a path.
func (a account) give(path string) error {
	if !a.drop {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// giveAll makes the account the owner of a whole tree.
func (a account) giveAll(root string) error {
	if !a.drop {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return a.give(path)
	})
}

// blockedAt is the outermost folder of an absolute, resolved path that the
// account cannot enter; "" where it reaches the path. Mode bits decide: the
// program is root and cannot ask the kernel for another user without becoming it.
func (a account) blockedAt(path string) string {
	if !a.drop {
		return ""
	}
	blocked := ""
	for dir := path; ; dir = filepath.Dir(dir) {
		if fi, err := os.Stat(dir); err != nil || !a.may(fi, 0o1) {
			blocked = dir
		}
		if dir == filepath.Dir(dir) {
			return blocked
		}
	}
}

// may says whether the mode bits grant the account what bit asks (4 read, 1 enter or run).
func (a account) may(fi fs.FileInfo, bit fs.FileMode) bool {
	uid, gid := ownerOf(fi)
	switch {
	case !a.drop:
		return true
	case uid == a.uid:
		return fi.Mode()&(bit<<6) != 0
	case gid == a.gid:
		return fi.Mode()&(bit<<3) != 0
	default:
		return fi.Mode()&bit != 0
	}
}

func ownerOf(fi fs.FileInfo) (uid, gid uint32) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Uid, st.Gid
	}
	return 0, 0
}

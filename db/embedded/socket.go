package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// socketDir makes the folder of the server's socket: in the data folder, or where
// that path is too long for a socket in the temp folder. Only its owner may enter,
// which is all the protection that trusted local connections have.
func (h home) socketDir() (string, error) {
	dir := h.socketPath()
	if dir == h.shortSocketDir() {
		if err := h.acct.refuseStranger(dir); err != nil {
			return "", err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("folder for the socket: %w", err)
	}
	if err := h.acct.give(dir); err != nil {
		return "", fmt.Errorf("folder for the socket: %w", err)
	}
	return dir, os.Chmod(dir, 0o700)
}

// socketPath is where that folder is.
func (h home) socketPath() string {
	if dir := filepath.Join(h.dir, "run"); fits(dir) {
		return dir
	}
	return h.shortSocketDir()
}

// shortSocketDir depends on the data folder only, so that a crash leaves one at most.
func (h home) shortSocketDir() string {
	sum := sha256.Sum256([]byte(h.dir))
	name := "provflow-run-" + hex.EncodeToString(sum[:6])
	tmp, err := resolve(os.TempDir())
	if dir := filepath.Join(tmp, name); err == nil && fits(dir) && h.acct.blockedAt(tmp) == "" {
		return dir
	}
	return filepath.Join("/tmp", name)
}

func fits(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL."+port)) <= maxSocketPath
}

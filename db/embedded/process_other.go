//go:build !linux

package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

const (
	locale        = "C" // C.UTF-8 does not exist everywhere outside Linux
	maxSocketPath = 103
)

func childAttr(a account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential(a)}
}

// hurryOrphan asks the server of a killed program to stop: without Linux nobody
// else does. The caller holds the folder's lock, so no live program uses it.
func hurryOrphan(pid int) {
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	if err == nil && strings.Contains(string(out), "postgres") {
		_ = syscall.Kill(pid, syscall.SIGINT)
	}
}

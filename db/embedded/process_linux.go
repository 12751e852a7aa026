package embedded

import "syscall"

const (
	locale        = "C.UTF-8"
	maxSocketPath = 107
)

func childAttr(a account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT, Credential: credential(a)}
}

// hurryOrphan has nothing to do: the kernel has told the orphan to stop.
func hurryOrphan(int) {}

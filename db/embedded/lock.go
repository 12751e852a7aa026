package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// folderLock is this program's claim on a data folder. The kernel lets go of it
// when the program ends; postgres does not inherit it.
type folderLock struct {
	file *os.File
	once sync.Once
}

// lockFolder takes the lock or says who has it.
func lockFolder(h home) (*folderLock, error) {
	path := filepath.Join(h.dir, "provflow.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer func() { _ = f.Close() }()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, inUse(h, f)
		}
		return nil, fmt.Errorf("locking the data folder %s: %w", h.dir, err)
	}
	// A later start without root must be able to open the file too.
	_ = h.acct.give(path)
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // tells the next one whom to ask; not needed for the lock
	return &folderLock{file: f}, nil
}

// InUseError says that another program has the server of a data folder running.
type InUseError struct {
	text string
	dsn  string
}

// Error implements error.
func (e *InUseError) Error() string { return e.text }

// DSN is how to reach that server, for those who need not own it: root, and the user who
// runs it.
func (e *InUseError) DSN() string { return e.dsn }

func inUse(h home, f *os.File) error {
	who := ""
	if text, _ := io.ReadAll(io.LimitReader(f, 32)); len(text) > 0 {
		who = " (process " + strings.TrimSpace(string(text)) + ")"
	}
	return &InUseError{
		text: fmt.Sprintf("another provflow%s is using the data folder %s; stop it or choose --data-dir", who, h.dir),
		dsn:  (&Server{home: h, socket: h.socketPath()}).DSN(),
	}
}

func (l *folderLock) release() {
	l.once.Do(func() { _ = l.file.Close() })
}

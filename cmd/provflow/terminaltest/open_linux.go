package terminaltest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Open opens a terminal of so many columns. The test is skipped where the machine has none.
func Open(t *testing.T, columns uint16) (program, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no terminals: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: columns}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return program, person
}

// Until gives what the person sees up to that text.
func Until(t *testing.T, person *os.File, end string) string {
	t.Helper()
	read := make(chan string, 1)
	go func() {
		var said []byte
		for b := make([]byte, 1000); !strings.Contains(string(said), end); {
			n, err := person.Read(b)
			if err != nil {
				break
			}
			said = append(said, b[:n]...)
		}
		read <- string(said)
	}()
	select {
	case said := <-read:
		return said
	case <-time.After(time.Minute):
		t.Fatal("nothing more is said")
		return ""
	}
}

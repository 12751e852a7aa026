package record

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openova-io/provflow/service/tofu"
)

// narrow opens a terminal of 20 columns: what a program has, and what a person sees of it.
func narrow(t *testing.T) (program, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no terminals: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 20}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program, person
}

// until reads up to that text.
func until(t *testing.T, from *os.File, end string) string {
	t.Helper()
	read := make(chan string, 1)
	go func() {
		var said []byte
		for b := make([]byte, 1000); !strings.Contains(string(said), end); {
			n, err := from.Read(b)
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

// On a terminal the last line says how far it is. It never wraps, since what has wrapped cannot
// be taken away, and nothing of it is left.
func TestTheLastLineOfATerminal(t *testing.T) {
	t.Parallel()
	program, person := narrow(t)
	var done atomic.Int64
	s := newScreen(program, func() (int, int) { return int(done.Load()), 12345 })
	for range 3 {
		done.Add(1)
		s.show(tofu.Message{Level: "info", Text: "a.b: Creating..."})
	}
	s.close()
	const end = "the end"
	fmt.Fprint(program, end)
	said := until(t, person, end)
	var seen []string
	for line := range strings.SplitSeq(said, "\r\n") {
		parts := strings.Split(line, "\r\x1b[K")
		seen = append(seen, parts[len(parts)-1])
		for _, p := range parts {
			if len(p) >= 20 {
				t.Errorf("%q wraps", p)
			}
		}
	}
	if want := strings.Repeat("a.b: Creating...\n", 3) + end; strings.Join(seen, "\n") != want {
		t.Errorf("what is left is %q, want %q", seen, want)
	}
	for i := range 3 {
		if line := fmt.Sprintf("[%d of 12345 resour", i+1); !strings.Contains(said, line) {
			t.Errorf("%q is not in %q", line, said)
		}
	}
}

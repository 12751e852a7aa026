package record

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openova-io/provflow/cmd/provflow/terminaltest"
	"github.com/openova-io/provflow/service/tofu"
)

// On a terminal the last line says how far it is. It never wraps, since what has wrapped cannot
// be taken away, and nothing of it is left.
func TestTheLastLineOfATerminal(t *testing.T) {
	t.Parallel()
	program, person := terminaltest.Open(t, 20)
	var done atomic.Int64
	s := newScreen(program, func() (int, int) { return int(done.Load()), 12345 })
	for range 3 {
		done.Add(1)
		s.show(tofu.Message{Level: "info", Text: "a.b: Creating..."})
	}
	s.close()
	const end = "the end"
	fmt.Fprint(program, end)
	said := terminaltest.Until(t, person, end)
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

//go:build crash

package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	lasting  = flag.Duration("for", time.Minute, "how long things are broken")
	watchers = flag.Int("consoles", 200, "how many consoles watch")
	seed     = flag.Uint64("seed", uint64(time.Now().UnixNano()), "what the faults are drawn from")
	within   = flag.Duration("within", 3*time.Second, "how soon after the end every console must be right")
)

const flows, writersPerFlow = 6, 2

// binary is the program, built by TestMain.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(built(m))
}

func built(m *testing.M) int {
	dir, err := os.MkdirTemp("", "provflow-crash-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "provflow")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		fmt.Printf("building provflow: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func TestNothingIsLostWhateverBreaks(t *testing.T) {
	f := newFleet(t)
	idle := f.usage()
	f.ordeal(t, func(r *rand.Rand) tally { return f.breakThings(r, faults, *lasting) })
	f.judgeUsage(t, idle)
}

// ordeal has writers write and consoles watch while something happens, and judges what is
// there when it is over.
func (f *fleet) ordeal(t *testing.T, happens func(*rand.Rand) tally) {
	t.Helper()
	t.Logf("to have the same faults again: -seed=%d", *seed)
	random := rand.New(rand.NewPCG(*seed, 1))
	writers, consoles := f.startWriters(random), f.startConsoles(random)
	begun := time.Now()
	done := happens(random)
	writers.stop()
	f.waitReady()
	ended := time.Now()
	j := newJournal(t, f, writers)
	converged := consoles.converge(t, f.snapshots(t), ended)
	consoles.stop()
	report(ended.Sub(begun), done, j, converged)
	j.judge(t)
	consoles.judge(t)
}

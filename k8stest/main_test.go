package k8stest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/klog/v2"

	"github.com/openova-io/provflow/db/dbtest"
)

// patience bounds every wait; the machines of others are slow.
const patience = time.Minute

// provflow is the program under test.
var provflow string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	_ = flags.Parse([]string{"-logtostderr=false", "-alsologtostderr=false", "-stderrthreshold=FATAL"})
	klog.SetOutput(nowhere{})
	// At a place of its own: what is up to date is not linked again.
	provflow, _ = filepath.Abs("../bin/provflow-k8stest")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", provflow, "./cmd/provflow")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building provflow: %v\n%s", err, out)
		return 1
	}
	return dbtest.Main(m)
}

// nowhere is where an API server's chatter goes.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// eventually waits until something holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

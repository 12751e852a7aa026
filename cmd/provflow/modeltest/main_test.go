package modeltest

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openova-io/provflow/db/dbtest"
)

// defaults are how many histories are played and of how many steps, where no flag says so.
var defaults = map[string]string{"rapid.checks": "200", "rapid.steps": "20"}

// bound is how long what must come may take.
const bound = time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range defaults {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := f.Value.Set(value); err != nil {
				panic(err)
			}
		}
	}
	code := dbtest.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Command findpostgres prints the folder of the PostgreSQL that provflow would
// start, or says what to install. `make postgres` asks it, so that there is one
// list of places to look. It changes nothing.
package main

import (
	"fmt"
	"os"

	"github.com/openova-io/provflow/db/embedded"
)

func main() {
	dir, err := embedded.FindBinaries()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(dir)
}

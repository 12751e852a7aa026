package record

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Options say what to record and where to send it.
type Options struct {
	Server     string
	Token      string
	Deployment string
	Spool      string        // folder; one below the user's state folder where none is named
	Patience   time.Duration // how long the end waits for the server
	Step       string        // of a stream; found from it where none is named

	Env            []string
	Stdin          *os.File
	Stdout, Stderr io.Writer
	Client         *http.Client
}

// requestTimeout bounds one request: events that the server is slow to take are sent again.
const requestTimeout = 30 * time.Second

// ExitError is the exit code of a tool that ended otherwise than well. It was heard already.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func (o Options) withDefaults() (Options, error) {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: requestTimeout}
	}
	if o.Spool == "" {
		state, err := stateFolder()
		if err != nil {
			return o, err
		}
		o.Spool = filepath.Join(state, "provflow", "record")
	}
	if o.Step != "" && !slices.Contains(steps, o.Step) {
		return o, fmt.Errorf("--step %s: use one of %v", o.Step, steps)
	}
	return o, nil
}

// steps are those that tofu has.
var steps = []string{flow.StepInit, flow.StepPlan, flow.StepApply, flow.StepOutput}

// folder is where the deployment's spools are.
func (o Options) folder() string { return filepath.Join(o.Spool, o.Deployment) }

// stateFolder is where programs keep what is to outlive them.
func stateFolder() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("there is no home folder to keep unsent events in; name a folder with --spool")
	}
	return filepath.Join(home, ".local", "state"), nil
}

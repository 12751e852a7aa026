package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/openova-io/provflow/cmd/provflow/record"
	"github.com/openova-io/provflow/service/flow"
)

type recordCmd struct {
	serverFlags
	Deployment string        `env:"PROVFLOW_DEPLOYMENT" placeholder:"ID" help:"The deployment that the tool works on."`
	From       string        `placeholder:"FILE" help:"Record the JSON output of a run made elsewhere, in place of running the tool; - is standard input."`
	Step       string        `placeholder:"STEP" help:"With --from: tofu-init, tofu-plan, tofu-apply or tofu-output. Found from the stream where none is named."`
	Flush      bool          `help:"Send what earlier runs could not; of all deployments where none is named."`
	Spool      string        `env:"PROVFLOW_SPOOL" type:"path" placeholder:"DIR" help:"Folder for events on their way (provflow/record in $$XDG_STATE_HOME or ~/.local/state)."`
	Wait       time.Duration `env:"PROVFLOW_WAIT" default:"10s" help:"How long to wait for the server at the end (${default}); what is not sent by then is kept."`
	Command    []string      `arg:"" optional:"" passthrough:"" help:"After --: the tool and its arguments, such as tofu apply."`
}

// Help is shown below the flags.
func (recordCmd) Help() string {
	return `Runs tofu or terraform as you would, shows what it says, and sends it to the server as it happens: the step, and each
resource as a job of its own. Recorded are init, plan, apply, destroy and output; anything else runs as if provflow were not there.

  provflow record --deployment mine -- tofu init
  provflow record --deployment mine -- tofu apply
  tofu apply -json -auto-approve | provflow record --deployment mine --from -

The exit code is the tool's; signals and standard input reach it. A server that is away holds nothing up: events are kept in the
spool and sent later, with the next run or with --flush.

apply and destroy without a plan file are done as plan, question, apply of that plan, since with -json the tool does not ask.
With -json of your own the tool runs exactly as you wrote it and its JSON is what you see. Variables are not asked for: set them.

Values of sensitive outputs, variables and attributes, of TF_VAR_* and -var, and of *_TOKEN, *_SECRET and *_PASSWORD in
the environment, and what looks like a secret, are hidden before anything is written or sent.`
}

// Validate implements kong's check of a command's flags.
func (c *recordCmd) Validate() error {
	if len(c.Command) > 0 && c.Command[0] == "--" {
		c.Command = c.Command[1:]
	}
	ways := 0
	for _, given := range []bool{c.From != "", c.Flush, len(c.Command) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errors.New("give one of a command after -- (such as -- tofu apply), --from or --flush")
	case c.Deployment == "" && !c.Flush:
		return errors.New("name the deployment with --deployment")
	case c.Deployment != "":
		return flow.CheckDeploymentID(c.Deployment)
	}
	return nil
}

// handlesSignals says that an interrupt is the tool's to answer.
func (*recordCmd) handlesSignals() {}

func (c *recordCmd) Run(ctx context.Context) error {
	o := record.Options{
		Server: c.Server, Token: c.Token, Deployment: c.Deployment, Spool: c.Spool, Patience: c.Wait, Step: c.Step,
		Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	switch {
	case c.Flush:
		return record.Flush(ctx, o)
	case c.From != "":
		return record.Stream(ctx, o, c.From)
	}
	return record.Tool(ctx, o, c.Command)
}

// Command provflow keeps every job of every provision in Postgres and shows it live.
//
// This package wires the parts together and is the only one that knows them all.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/openova-io/provflow/cmd/provflow/record"
)

// version is set when the program is built.
var version = "dev"

type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve the API; starts a private Postgres unless DATABASE_URL names one."`
	Migrate  migrateCmd  `cmd:"" help:"Apply or list the database's migrations."`
	Token    tokenCmd    `cmd:"" help:"Make, list or revoke access tokens."`
	Record   recordCmd   `cmd:"" help:"Run tofu or terraform and send what it does to a server as it happens."`
	Demo     demoCmd     `cmd:"" help:"Play a whole provision against a running server."`
	Import   importCmd   `cmd:"" help:"Bring in an archive, or the older store's folder; done again it changes nothing."`
	Export   exportCmd   `cmd:"" help:"Write everything about a deployment as an archive."`
	Report   reportCmd   `cmd:"" help:"Show what provisions spent their time on."`
	Check    checkCmd    `cmd:"" help:"Compare every stored roll-up with its leaves; exit 1 where they differ."`
	Restored restoredCmd `cmd:"" help:"Say that the database was put back by hand: no cursor from before is believed."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

func main() {
	forgetEmpty()
	var c cli
	k := kong.Parse(&c,
		kong.Name("provflow"),
		kong.Description("Shows cluster provisions live from their first second, and keeps them in Postgres."),
		kong.ShortUsageOnError(),
	)
	ctx, stop := interruptible(k)
	k.BindTo(ctx, (*context.Context)(nil))
	err := k.Run()
	stop()
	if err != nil {
		os.Exit(exitCode(err))
	}
}

// interruptible gives the context of a command, which ends with a signal, unless the command
// answers signals itself.
func interruptible(k *kong.Context) (context.Context, context.CancelFunc) {
	if _, itself := k.Selected().Target.Addr().Interface().(interface{ handlesSignals() }); itself {
		return context.WithCancel(context.Background())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// To stop may take a while; who asks twice at a terminal does not want to wait.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	return ctx, stop
}

// exitCode says what went wrong. A tool that ended otherwise than well has said so itself.
func exitCode(err error) int {
	var tool record.ExitError
	if errors.As(err, &tool) {
		return int(tool)
	}
	fmt.Fprintln(os.Stderr, "provflow:", err)
	return 1
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("provflow", version)
	return nil
}

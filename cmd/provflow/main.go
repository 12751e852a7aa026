// Command provflow keeps every job of every provision in Postgres and shows it live.
//
// This package wires the parts together and is the only one that knows them all.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set when the program is built.
var version = "dev"

type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve the API; starts a private Postgres unless DATABASE_URL names one."`
	Migrate migrateCmd `cmd:"" help:"Apply or list the database's migrations."`
	Token   tokenCmd   `cmd:"" help:"Make, list or revoke access tokens."`
	Demo    demoCmd    `cmd:"" help:"Play a whole provision against a running server."`
	Import  importCmd  `cmd:"" help:"Bring in an archive, or the older store's folder; done again it changes nothing."`
	Export  exportCmd  `cmd:"" help:"Write everything about a deployment as an archive."`
	Check   checkCmd   `cmd:"" help:"Compare every stored roll-up with its leaves; exit 1 where they differ."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// To stop may take a while; who asks twice at a terminal does not want to wait.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	forgetEmpty()
	var c cli
	k := kong.Parse(&c,
		kong.Name("provflow"),
		kong.Description("Shows cluster provisions live from their first second, and keeps them in Postgres."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err := k.Run(); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "provflow:", err)
		os.Exit(1) //nolint:gocritic // the deferred stop was called above
	}
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("provflow", version)
	return nil
}

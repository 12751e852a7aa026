package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"

	"github.com/openova-io/provflow/cmd/provflow/move"
	"github.com/openova-io/provflow/cmd/provflow/remote"
)

// serverFlags say which server a client command speaks to.
type serverFlags struct {
	Server string `env:"PROVFLOW_SERVER" default:"http://127.0.0.1:8080" placeholder:"URL" help:"The running server (${default})."`
	Token  string `env:"PROVFLOW_TOKEN" placeholder:"TOKEN" help:"Access token, where access is controlled."`
}

func (f serverFlags) client() remote.Client { return remote.Client{Server: f.Server, Token: f.Token} }

type importCmd struct {
	serverFlags
	Path string `arg:"" type:"path" help:"An archive made by export, or the older store's folder (index.json and *.log, or a folder of such folders)."`
}

func (c *importCmd) Run(ctx context.Context) error {
	return move.Client{Client: c.client(), Status: os.Stderr}.Import(ctx, c.Path)
}

type exportCmd struct {
	serverFlags
	Deployment string `arg:"" help:"The deployment to export."`
	Output     string `short:"o" default:"-" placeholder:"FILE" help:"File to write; standard output where none is named."`
}

func (c *exportCmd) Run(ctx context.Context) error {
	out, done, err := openOutput(c.Output)
	if err != nil {
		return err
	}
	err = move.Client{Client: c.client(), Status: os.Stderr}.Export(ctx, c.Deployment, out)
	return errors.Join(err, done(err == nil))
}

// openOutput gives a writer and what ends it. A file takes its name only once it is whole.
func openOutput(path string) (io.Writer, func(whole bool) error, error) {
	if path == "-" {
		out := bufio.NewWriter(os.Stdout)
		return out, func(bool) error { return out.Flush() }, nil
	}
	file, err := os.Create(path + ".part")
	if err != nil {
		return nil, nil, err
	}
	out := bufio.NewWriter(file)
	return out, func(whole bool) error {
		err := errors.Join(out.Flush(), file.Close())
		if !whole || err != nil {
			return errors.Join(err, os.Remove(file.Name()))
		}
		return os.Rename(file.Name(), path)
	}, nil
}

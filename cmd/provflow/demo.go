package main

import (
	"context"
	"os"

	"github.com/openova-io/provflow/cmd/provflow/demo"
)

type demoCmd struct {
	serverFlags
	Deployment string  `placeholder:"ID" help:"Deployment to write; a new one where none is named."`
	Speed      float64 `default:"60" help:"How many times faster than real (${default})."`
}

func (c *demoCmd) Run(ctx context.Context) error {
	return demo.Run(ctx, demo.Options{Server: c.Server, Token: c.Token, Deployment: c.Deployment, Speed: c.Speed, Out: os.Stdout})
}

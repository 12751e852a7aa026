package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/openova-io/provflow/cmd/provflow/demo"
)

type demoCmd struct {
	serverFlags
	Deployment string  `placeholder:"ID" help:"Deployment to write; a new one where none is named."`
	Speed      float64 `default:"60" help:"How many times faster than real (${default})."`
}

func (c *demoCmd) Run(ctx context.Context) error {
	o := demo.Options{Server: c.Server, Deployment: c.Deployment, Speed: c.Speed, Out: os.Stdout}
	if c.Token != "" {
		o.Client = &http.Client{Timeout: 30 * time.Second, Transport: bearer(c.Token)}
	}
	return demo.Run(ctx, o)
}

// bearer shows a token with every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

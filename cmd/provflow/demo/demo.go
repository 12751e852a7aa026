package demo

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/openova-io/provflow/cmd/provflow/remote"
	"github.com/openova-io/provflow/service/backoff"
	"github.com/openova-io/provflow/service/flow"
)

// DefaultSpeed makes half an hour half a minute.
const DefaultSpeed = 60

// Options say where to play and how fast. Only Server must be given.
type Options struct {
	Server     string        // base URL, such as http://127.0.0.1:8080
	Token      string        // bearer token; empty where access is not controlled
	Deployment string        // what to write; a new one where it is empty. One that has jobs is provisioned again
	Speed      float64       // above zero; 1 is real time
	Out        io.Writer     // a progress bar where it is a terminal, else a line for each step and state
	Client     *http.Client  // for the posts
	Patience   time.Duration // how long a server that is away in the middle is waited for: 1 minute

	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error // ends early with ctx's error
}

// Run plays the whole provision and returns when its last event is durable, or when ctx
// ends. What was posted until then stays.
func Run(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	kit, err := loadKit()
	if err != nil {
		return err
	}
	p, err := newPlan(kit)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "Provisioning deployment %s: %.0f minutes in %s. Watch it from another terminal:\n\n%s\n",
		o.Deployment, p.length().Minutes(), o.scaled(p.length()).Round(time.Second), watch(o.Server, o.Deployment))
	if err := play(ctx, o, p); err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\nDone. It is all there now, and after a restart:\n\n%s", Hints(o.Server, o.Deployment))
	return nil
}

// scaled is how long something takes at the chosen speed.
func (o Options) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / o.Speed)
}

func (o Options) withDefaults() (Options, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 30 * time.Second}
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Deployment == "" {
		o.Deployment = "demo-" + o.Now().UTC().Format("20060102-150405")
	}
	o.Server = strings.TrimRight(o.Server, "/")
	return o, o.check()
}

func (o Options) check() error {
	if !(o.Speed > 0) || math.IsInf(o.Speed, 0) { // NaN is not above zero either
		return fmt.Errorf("speed %g: give a number above zero; 1 is real time, %d takes half a minute", o.Speed, DefaultSpeed)
	}
	if err := o.client().Check(); err != nil {
		return err
	}
	return flow.CheckDeploymentID(o.Deployment)
}

func (o Options) client() remote.Client {
	return remote.Client{Server: o.Server, Token: o.Token, HTTP: o.Client}
}

func sleep(ctx context.Context, d time.Duration) error {
	backoff.Wait(ctx, d)
	return ctx.Err()
}

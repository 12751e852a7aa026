package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/openova-io/provflow/cmd/provflow/remote"
)

// player posts a plan in time.
type player struct {
	Options
	server remote.Client
	path   string
	heard  bool      // the server has answered at least once
	began  time.Time // of the plan
	screen screen
}

func play(ctx context.Context, o Options, p plan) error {
	pl := &player{
		Options: o, began: o.Now(), screen: newScreen(o.Out, p),
		server: o.client(), path: "/api/v1/deployments/" + o.Deployment + "/provisioner-events",
	}
	defer pl.screen.close()
	for _, m := range p {
		if err := pl.play(ctx, m); err != nil {
			return pl.explain(ctx, err)
		}
	}
	return nil
}

// play waits until a moment is due, posts it, and shows it.
func (p *player) play(ctx context.Context, m moment) error {
	due := p.began.Add(p.scaled(m.at))
	if d := due.Sub(p.Now()); d > 0 {
		if err := p.Sleep(ctx, d); err != nil {
			return err
		}
	}
	body, err := p.body(m.events)
	if err != nil {
		return err
	}
	if err := p.post(ctx, body); err != nil {
		return err
	}
	p.screen.show(m)
	return nil
}

// body writes a moment's events as NDJSON, as of now.
func (p *player) body(events []event) ([]byte, error) {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	now := p.Now().UTC().Format(time.RFC3339Nano)
	for _, e := range events {
		e.Time = now
		if err := lines.Encode(e); err != nil {
			return nil, fmt.Errorf("writing an event: %w", err)
		}
	}
	return b.Bytes(), nil
}

func (p *player) explain(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("stopped in the middle; what was posted stays in deployment %s: %w", p.Deployment, err)
}

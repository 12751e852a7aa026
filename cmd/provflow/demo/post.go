package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/openova-io/provflow/cmd/provflow/remote"
)

// retryAfter is waited where the server does not say how long; longest is the most that
// is waited at a time, whatever it says.
const (
	retryAfter = time.Second
	longest    = 10 * time.Second
)

// post sends a body until it is durable. A server that was there and is away is waited
// for; one that never answered is not.
func (p *player) post(ctx context.Context, body []byte) error {
	for since := p.Now(); ; {
		_, err := p.server.Post(ctx, p.path, "application/x-ndjson", bytes.NewReader(body))
		wait, again := p.judge(err)
		if !again {
			return err
		}
		if p.Now().Sub(since) >= p.Patience {
			return fmt.Errorf("the server has been away for %s; is it running? %w", p.Patience, err)
		}
		if err := p.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// judge says whether the same body is to be sent again, and when: events are known by their
// content and time, so they have their effect once.
func (p *player) judge(err error) (wait time.Duration, again bool) {
	var said *remote.RefusedError
	var unreached *url.Error
	switch {
	case errors.As(err, &unreached):
		return retryAfter, p.heard
	case errors.As(err, &said):
		wait, again = min(said.Wait, longest), said.Status == http.StatusServiceUnavailable
	default:
		again = err != nil // the answer was cut off
	}
	p.heard = true
	return max(wait, retryAfter), again
}

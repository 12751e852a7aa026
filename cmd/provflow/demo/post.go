package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// retryAfter is waited where the server does not say how long; longest is the most that
// is waited at a time, whatever it says.
const (
	retryAfter = time.Second
	longest    = 10 * time.Second
)

// away is an answer, or the lack of one, after which the same body may be sent again:
// events are known by their content and time, so they have their effect once.
type away struct {
	wait time.Duration
	err  error
}

func (a *away) Error() string { return a.err.Error() }

func (a *away) Unwrap() error { return a.err }

// post sends a body until it is durable. A server that was there and is away is waited
// for; one that never answered is not.
func (p *player) post(ctx context.Context, body []byte) error {
	for since := p.Now(); ; {
		err := p.send(ctx, body)
		var gone *away
		if !errors.As(err, &gone) {
			return err
		}
		if p.Now().Sub(since) >= p.Patience {
			return fmt.Errorf("the server has been away for %s; is it running? %w", p.Patience, err)
		}
		if err := p.Sleep(ctx, gone.wait); err != nil {
			return err
		}
	}
}

func (p *player) send(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("posting events: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := p.Client.Do(req)
	if err != nil {
		return p.unreachable(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or of no interest
	p.heard = true
	return judge(res)
}

func (p *player) unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.heard:
		return &away{retryAfter, err}
	}
	return fmt.Errorf("no server at %s; start it with `provflow serve`, or name another with --server: %w", p.Server, err)
}

// judge reads an answer: nil when the events are durable.
func judge(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	switch {
	case res.StatusCode == http.StatusServiceUnavailable:
		return &away{waitOf(res), refusal(res, text)}
	case res.StatusCode != http.StatusOK:
		return refusal(res, text)
	case err != nil:
		return &away{retryAfter, fmt.Errorf("the answer was cut off: %w", err)}
	}
	return nil
}

func waitOf(res *http.Response) time.Duration {
	s, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || s <= 0 {
		return retryAfter
	}
	return min(time.Duration(s)*time.Second, longest)
}

// refusal gives the server's own words where it has any.
func refusal(res *http.Response, text []byte) error {
	var said struct{ Error, Detail string }
	if json.Unmarshal(text, &said) != nil || said.Error == "" {
		return fmt.Errorf("%s answered %s; is it a provflow server?", res.Request.URL, res.Status)
	}
	return fmt.Errorf("the server refused the events (%s, %s): %s", res.Status, said.Error, said.Detail)
}

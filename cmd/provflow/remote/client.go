// Package remote is how the client commands speak to a running server. It must not know
// what is said.
package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client speaks to one server.
type Client struct {
	Server string       // base URL
	Token  string       // bearer token; empty where access is not controlled
	HTTP   *http.Client // nil: one that waits for as long as an answer takes
}

// Check refuses what is not the base URL of a server.
func (c Client) Check() error {
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--server %q: give its base URL, such as http://127.0.0.1:8080", c.Server)
	}
	return nil
}

// Do sends a request and gives whatever is answered; without an answer the error is a *url.Error.
func (c Client) Do(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Server, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("--server %s: %w", c.Server, err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reaching %s: %w; is it running? start it with `provflow serve`, or name another with --server", c.Server, err)
	}
	return res, nil
}

// Get asks for something and gives the body of the answer; any other than 200 is a *RefusedError.
func (c Client) Get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.ask(ctx, http.MethodGet, path, "", http.NoBody)
}

// Post is Get of what is answered to a body.
func (c Client) Post(ctx context.Context, path, contentType string, body io.Reader) ([]byte, error) {
	return c.ask(ctx, http.MethodPost, path, contentType, body)
}

func (c Client) ask(ctx context.Context, method, path, contentType string, body io.Reader) ([]byte, error) {
	res, err := c.Do(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, Refusal(res)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("the answer was cut off: %w", err)
	}
	return text, nil
}

// GetJSON is Get of what is JSON.
func (c Client) GetJSON(ctx context.Context, path string, query url.Values, into any) error {
	body, err := c.Get(ctx, path, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading the server's answer: %w; is %s a provflow server?", err, c.Server)
	}
	return nil
}

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
	Server string // base URL
	Token  string // bearer token; empty where access is not controlled
}

// Do sends a request and gives whatever is answered.
func (c Client) Do(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Server, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("--server %s: %w", c.Server, err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reaching %s: %w; is it running? start it with `provflow serve`, or name another with --server", c.Server, err)
	}
	return res, nil
}

// Get asks for something and gives the body of the answer; any other than 200 is an error
// in the server's words.
func (c Client) Get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	res, err := c.Do(ctx, http.MethodGet, path, "", http.NoBody)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the server's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, refusal(res.Status, body)
	}
	return body, nil
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

func refusal(status string, body []byte) error {
	var told struct{ Error, Detail string }
	if json.Unmarshal(body, &told) != nil || told.Detail == "" {
		return fmt.Errorf("the server answered %s", status)
	}
	return fmt.Errorf("the server answered %s: %s", status, told.Detail)
}

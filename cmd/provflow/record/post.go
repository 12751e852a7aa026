package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// server is where events go.
type server struct {
	client *http.Client
	url    string
	token  string
}

func newServer(client *http.Client, base, token, deployment string) (*server, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("--server %q: give its base URL, such as http://127.0.0.1:8080", base)
	}
	return &server{
		client: client, token: token,
		url: strings.TrimRight(base, "/") + "/api/v1/deployments/" + url.PathEscape(deployment) + "/provisioner-events",
	}, nil
}

// refusal is the server's word that it will not take a line, the accepted ones before it
// apart. Line counts from 1; 0 where it did not say.
type refusal struct {
	line int
	err  error
}

func (r *refusal) Error() string { return r.err.Error() }

// away is every other answer but 200, and none: the same may be sent again later.
type away struct {
	wait time.Duration
	err  error
}

func (a *away) Error() string { return a.err.Error() }
func (a *away) Unwrap() error { return a.err }

// answer is what the server says of what it did not take.
type answer struct {
	Error  string `json:"error"`
	Detail string `json:"detail"`
	Line   int    `json:"line"`
}

// post sends lines: nil when they are durable, else a *refusal or an *away.
func (s *server) post(ctx context.Context, lines []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(lines))
	if err != nil {
		return &away{err: err}
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return &away{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	switch {
	case res.StatusCode == http.StatusOK && err == nil:
		return nil
	case err != nil:
		return &away{err: fmt.Errorf("the answer was cut off: %w", err)}
	}
	return judge(res, text)
}

// judge tells a line that will never be taken from a moment at which none is. Only the
// server's own words count: a proxy's are about the proxy.
func judge(res *http.Response, text []byte) error {
	var said answer
	ours := json.Unmarshal(text, &said) == nil && said.Error != ""
	if !ours {
		return &away{waitOf(res), fmt.Errorf("%s answered %s; is it a provflow server?", res.Request.URL, res.Status)}
	}
	err := fmt.Errorf("%s (%s): %s", said.Error, res.Status, said.Detail)
	lasting := res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusRequestEntityTooLarge
	if lasting && said.Error != "body-cut-off" {
		return &refusal{said.Line, err}
	}
	return &away{waitOf(res), err}
}

func waitOf(res *http.Response) time.Duration {
	s, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(s) * time.Second
}

// reason is what to tell a person of why something was not sent.
func reason(err error) string {
	var dial *url.Error
	if errors.Is(err, context.Canceled) { // by us, who waited for no longer
		return "the server has not answered yet"
	}
	if errors.As(err, &dial) {
		return dial.Err.Error()
	}
	return err.Error()
}

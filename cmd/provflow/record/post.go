package record

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/openova-io/provflow/cmd/provflow/remote"
)

// server is where events go.
type server struct {
	remote.Client
	path string
}

func newServer(o Options) (*server, error) {
	c := remote.Client{Server: o.Server, Token: o.Token, HTTP: o.Client}
	return &server{c, "/api/v1/deployments/" + url.PathEscape(o.Deployment) + "/provisioner-events"}, c.Check()
}

// post sends lines, which are durable where it does not fail.
func (s *server) post(ctx context.Context, lines []byte) error {
	_, err := s.Post(ctx, s.path, "application/x-ndjson", bytes.NewReader(lines))
	return err
}

// refusal is the server's word that it will never take a line; nil where the same may be sent
// again later. Only the server's own words count: a proxy's are about the proxy, unless what is
// sent is too large for it, which it will be later too.
func refusal(err error) *remote.RefusedError {
	var no *remote.RefusedError
	switch {
	case !errors.As(err, &no):
		return nil
	case no.Status == http.StatusRequestEntityTooLarge, no.Status == http.StatusBadRequest && no.Slug != "" && no.Slug != "body-cut-off":
		return no
	}
	return nil
}

// waitOf is how long the server asks to wait.
func waitOf(err error) time.Duration {
	var no *remote.RefusedError
	if errors.As(err, &no) {
		return no.Wait
	}
	return 0
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

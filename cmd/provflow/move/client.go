package move

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/openova-io/provflow/cmd/provflow/remote"
)

// Client moves provisions to and from one server.
type Client struct {
	Server string    // base URL
	Token  string    // bearer token; empty where access is not controlled
	Status io.Writer // progress and results, for people
}

// importAnswer is what the server says of an import.
type importAnswer struct {
	Accepted int    `json:"accepted"`
	Version  int64  `json:"version"`
	Error    string `json:"error"`
	Detail   string `json:"detail"`
}

// post sends a body to be imported.
func (c Client) post(ctx context.Context, contentType string, body io.Reader) (importAnswer, error) {
	var a importAnswer
	res, err := c.do(ctx, http.MethodPost, "/api/v1/internal/jobs/import", contentType, body)
	if err != nil {
		return a, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("reading the server's answer (%s): %w", res.Status, err)
	}
	if res.StatusCode != http.StatusOK {
		return a, fmt.Errorf("the server refused it (%s): %s: %s", res.Status, a.Error, a.Detail)
	}
	return a, nil
}

func (c Client) do(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	return remote.Client{Server: c.Server, Token: c.Token}.Do(ctx, method, path, contentType, body)
}

// bar shows progress on a terminal and nothing elsewhere; a negative total is unknown.
func (c Client) bar(total int64, what string) *progressbar.ProgressBar {
	file, ok := c.Status.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return progressbar.DefaultSilent(total, what)
	}
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
}

func (c Client) say(format string, args ...any) { fmt.Fprintf(c.Status, format+"\n", args...) }

var errEmpty = errors.New("there is nothing in it to import")

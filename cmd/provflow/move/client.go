package move

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/openova-io/provflow/cmd/provflow/remote"
)

// Client moves provisions to and from one server.
type Client struct {
	remote.Client
	Status io.Writer // progress and results, for people
}

// importAnswer is what the server says of an import.
type importAnswer struct {
	Accepted int   `json:"accepted"`
	Version  int64 `json:"version"`
}

// send has a body imported.
func (c Client) send(ctx context.Context, contentType string, body io.Reader) (a importAnswer, err error) {
	text, err := c.Post(ctx, "/api/v1/internal/jobs/import", contentType, body)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("reading the server's answer: %w", err)
	}
	return a, nil
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

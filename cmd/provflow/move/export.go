package move

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/openova-io/provflow/cmd/provflow/remote"
	"github.com/openova-io/provflow/service/flow"
)

// Export writes everything about a deployment to out, as NDJSON that Archive reads back.
// It fails when the archive is not whole.
func (c Client) Export(ctx context.Context, deployment string, out io.Writer) error {
	res, err := c.Do(ctx, http.MethodGet, "/api/v1/deployments/"+url.PathEscape(deployment)+"/export", "", nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return remote.Refusal(res)
	}
	return c.copyArchive(res.Body, out)
}

// copyArchive copies line by line and holds the header to what it said.
func (c Client) copyArchive(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the archive broke off at its beginning: %w", err)
	}
	var header flow.ArchiveRecord
	if err := json.Unmarshal(first, &header); err != nil || header.Header == nil {
		return errors.New("what came is not an archive; is --server the right one?")
	}
	if _, err := out.Write(first); err != nil {
		return err
	}
	bar := c.bar(header.Header.Records, "exporting "+header.Header.FlowID)
	for n := range header.Header.Records {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("the archive broke off after %d of %d records; try again: %w", n, header.Header.Records, err)
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
		_ = bar.Add(1)
	}
	c.say("%s: %d records", header.Header.FlowID, header.Header.Records)
	return nil
}

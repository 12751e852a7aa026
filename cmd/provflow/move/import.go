package move

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

const ndjson = "application/x-ndjson"

// Import brings in an archive (a file), or the older store's folder: of one deployment
// (with index.json in it) or of many. Done again, it changes nothing.
func (c Client) Import(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return c.importArchive(ctx, path, info.Size())
	}
	if _, err := os.Stat(filepath.Join(path, "index.json")); err == nil {
		return c.importFolder(ctx, path)
	}
	indexes, err := filepath.Glob(filepath.Join(path, "*", "index.json"))
	if err != nil || len(indexes) == 0 {
		return errors.Join(err, fmt.Errorf("%s: neither an index.json nor folders with one: %w", path, errEmpty))
	}
	for _, index := range indexes {
		if err := c.importFolder(ctx, filepath.Dir(index)); err != nil {
			return err
		}
	}
	return nil
}

func (c Client) importArchive(ctx context.Context, path string, size int64) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	bar := c.bar(size, "importing "+filepath.Base(path))
	a, err := c.send(ctx, ndjson, io.TeeReader(file, bar))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	c.say("%s: %d records, the flow is at version %d", filepath.Base(path), a.Accepted-1, a.Version) // the header is no record
	return nil
}

// importFolder brings in one deployment of the older store: its index, then its logs.
func (c Client) importFolder(ctx context.Context, dir string) error {
	index, deployment, err := readIndex(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	a, err := c.send(ctx, "application/json", bytes.NewReader(index))
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	lines, err := c.importLogs(ctx, dir, deployment)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	c.say("%s: %d jobs, %d log lines, the flow is at version %d", deployment, a.Accepted, lines, a.Version)
	return nil
}

// readIndex reads index.json; a missing deployment id is the folder's name, as it was for
// the older store.
func readIndex(dir string) (index []byte, deployment string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return nil, "", err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, "", fmt.Errorf("index.json: %s", flow.JSONError("", err).Detail)
	}
	_ = json.Unmarshal(fields["deploymentId"], &deployment) // of another type: the server says so
	if deployment == "" {
		deployment = filepath.Base(dir)
		fields["deploymentId"], _ = json.Marshal(deployment)
	}
	index, err = json.Marshal(fields)
	return index, deployment, err
}

// importLogs sends every log of a folder as the lines of one archive.
func (c Client) importLogs(ctx context.Context, dir, deployment string) (lines int, err error) {
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) == 0 {
		return 0, err
	}
	var size int64
	for _, log := range logs {
		if info, err := os.Stat(log); err == nil {
			size += info.Size()
		}
	}
	bar := c.bar(size, "importing the logs of "+deployment)
	body, writer := io.Pipe()
	go func() { writer.CloseWithError(writeLogs(writer, logs, deployment, bar)) }()
	a, err := c.send(ctx, ndjson, body)
	_ = body.CloseWithError(fs.ErrClosed) // ends the writer where the server ended first
	return max(a.Accepted-1, 0), err
}

// writeLogs writes an archive of log lines alone; progress sees each byte that is read.
func writeLogs(w io.Writer, logs []string, deployment string, progress io.Writer) error {
	out := bufio.NewWriter(w)
	encode := json.NewEncoder(out)
	if err := encode.Encode(flow.ArchiveRecord{Header: &flow.ArchiveHeader{Format: flow.ArchiveFormat, FlowID: deployment}}); err != nil {
		return err
	}
	for _, log := range logs {
		if err := writeLog(encode, log, progress); err != nil {
			return err
		}
	}
	return out.Flush()
}

// oldLine is a line as the older store kept it.
type oldLine struct {
	LineNumber int64     `json:"lineNumber"`
	Timestamp  time.Time `json:"timestamp"`
	Level      string    `json:"level"`
	Message    string    `json:"message"`
}

func writeLog(encode *json.Encoder, path string, progress io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	execution := strings.TrimSuffix(filepath.Base(path), ".log")
	if err := copyLog(encode, execution, io.TeeReader(file, progress)); err != nil {
		return fmt.Errorf("%s, %w", path, err)
	}
	return nil
}

// copyLog writes the lines of an older store's log as records. Its errors say which line.
func copyLog(encode *json.Encoder, execution string, log io.Reader) error {
	decode := json.NewDecoder(log)
	for n := int64(1); ; n++ {
		var text json.RawMessage
		err := decode.Decode(&text)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // a last line that was cut when the older store stopped is not one
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		var old oldLine
		if err := json.Unmarshal(text, &old); err != nil {
			return fmt.Errorf("line %d: %s", n, flow.JSONError("", err).Detail)
		}
		line := flow.LogLine{ExecutionID: execution, Number: n, At: old.Timestamp, Level: old.Level, Message: old.Message}
		if err := encode.Encode(flow.ArchiveRecord{Line: &line}); err != nil {
			return err
		}
	}
}

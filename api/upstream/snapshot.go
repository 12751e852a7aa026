package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Snapshot asks for a whole flow. An Answer is a valid JSON document with status 200, or
// an error of the upstream's own; an error, that it cannot be reached or did not answer
// what was asked.
func (c *Client) Snapshot(ctx context.Context, t Target, flowID string) (Answer, error) {
	done, err := c.breakers.allow(t.host)
	if err != nil {
		return Answer{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a, err := c.snapshot(bounded, t, flowID)
	done(judge(ctx, a.Status, err))
	return a, err
}

func (c *Client) snapshot(ctx context.Context, t Target, flowID string) (Answer, error) {
	res, err := c.ask(ctx, t, flowID, "/snapshot", typeJSON)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // it was read, or is given up
	if res.StatusCode != http.StatusOK {
		return refusal(res)
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Answer{}, errBusy
	}
	body, err := readAll(res.Body, maxSnapshot)
	if err == nil && !json.Valid(body) {
		err = unfit("its body is not JSON")
	}
	if err != nil {
		return Answer{}, err
	}
	return Answer{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Body: body}, nil
}

// refusal reads an error. Its body is passed on where a browser that is shown it can
// only read it. From an ingress without a server behind it comes a page, which says no
// more than that nobody is there.
func refusal(res *http.Response) (Answer, error) {
	a := Answer{Status: res.StatusCode}
	text := mediaType(res) == "text/plain" && res.StatusCode != http.StatusNotFound // which has a body of ours
	if !text && !isJSON(mediaType(res)) {
		if res.StatusCode >= http.StatusInternalServerError {
			return a, fmt.Errorf("upstream: answered %d", res.StatusCode)
		}
		return a, nil
	}
	body, err := readAll(res.Body, maxRefusal)
	if err != nil {
		return a, err
	}
	a.ContentType, a.Body = res.Header.Get("Content-Type"), body
	return a, nil
}

func readAll(body io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("upstream: reading the answer: %w", err)
	case int64(len(b)) > most:
		return nil, unfit("it has more than %d bytes", most)
	}
	return b, nil
}

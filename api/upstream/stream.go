package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// errSilent ends a stream on which nothing came for too long.
var errSilent = errors.New("upstream: nothing was heard for too long")

// Stream is an open stream of an upstream. Next is for one goroutine; Close may be called
// from any, more than once.
type Stream struct {
	body   io.ReadCloser
	ctx    context.Context // its cause says why reading failed
	cancel context.CancelCauseFunc
	timer  *time.Timer
	frames frames
}

// Stream asks for a flow's stream. lastEventID, where it is not empty, is the id of the
// upstream's own that the client saw last. A *RefusedError is the upstream's answer;
// any other error, that it cannot be reached or did not answer with a stream.
//
// The stream ends with ctx; its owner closes it.
func (c *Client) Stream(ctx context.Context, t Target, flowID, lastEventID string) (*Stream, error) {
	done, err := c.breakers.allow(t.host)
	if err != nil {
		return nil, err
	}
	s, status, err := c.open(ctx, t, flowID, lastEventID)
	done(judge(ctx, status, errUnlessRefused(err)))
	return s, err
}

func (c *Client) open(ctx context.Context, t Target, flowID, lastEventID string) (*Stream, int, error) {
	bounded, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.timeout, func() { cancel(errSilent) })
	give := func(status int, err error) (*Stream, int, error) {
		timer.Stop()
		cancel(nil)
		return nil, status, err
	}
	var header []string
	if lastEventID != "" {
		header = []string{"Last-Event-ID", lastEventID}
	}
	res, err := c.ask(bounded, t, flowID, "/stream", typeStream, header...)
	if err != nil {
		return give(0, err)
	}
	if res.StatusCode != http.StatusOK {
		defer func() { _ = res.Body.Close() }() // it was read
		a, err := refusal(res)
		if err == nil {
			err = &RefusedError{a}
		}
		return give(a.Status, err)
	}
	timer.Reset(c.idle)
	s := &Stream{body: res.Body, ctx: bounded, cancel: cancel, timer: timer}
	s.frames = frames{r: bufio.NewReaderSize(heard{res.Body, timer, c.idle}, 16<<10), most: maxSnapshot, lineStart: true}
	return s, res.StatusCode, nil
}

func errUnlessRefused(err error) error {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// Next gives the next event with the empty line that ends it, byte for byte. What was
// not ended when the stream did is not given.
func (s *Stream) Next() ([]byte, error) {
	frame, err := s.frames.next()
	if cause := context.Cause(s.ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return nil, fmt.Errorf("upstream: reading the stream: %w", err)
	}
	return frame, nil
}

// Close ends the stream.
func (s *Stream) Close() {
	s.timer.Stop()
	s.cancel(nil)
	_ = s.body.Close() // it is given up
}

// heard puts the end of patience off with every byte that comes.
type heard struct {
	r     io.Reader
	timer *time.Timer
	idle  time.Duration
}

func (h heard) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	if n > 0 {
		h.timer.Reset(h.idle)
	}
	return n, err
}

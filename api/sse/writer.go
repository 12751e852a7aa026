package sse

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// Options tune a stream. The zero value of each field gives its default.
type Options struct {
	// Heartbeat is how often there is one, and so the longest silence. Default 10 s.
	Heartbeat time.Duration
	// WriteTimeout bounds each write and its flush. Default 10 s.
	WriteTimeout time.Duration
	// Retry is told to the client at the beginning: how long it waits before it reconnects. The
	// default is 1 to 3 s, at random, so that clients do not come back all at once.
	Retry time.Duration
}

func (o Options) withDefaults() Options {
	o.Heartbeat = cmp.Or(o.Heartbeat, 10*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.Retry = cmp.Or(o.Retry, time.Second+rand.N(2*time.Second))
	return o
}

const contentType = "text/event-stream"

// Writer writes frames to one connection, for one goroutine.
type Writer struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	opts Options
}

var heartbeat = Frame{Event: MustEvent("heartbeat"), Data: []byte("{}")}

// Start answers 200, sends headers and `retry:`, and flushes them. When it fails because
// w can neither flush nor keep deadlines, nothing has been written.
func Start(w http.ResponseWriter, opts Options) (*Writer, error) {
	s := &Writer{w: w, ctl: http.NewResponseController(w), opts: opts.withDefaults()}
	// Also takes the server's own write timeout off, which is not meant for streams.
	if err := s.ctl.SetWriteDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("sse: the connection keeps no deadlines: %w", err)
	}
	if !flushes(w) {
		return nil, fmt.Errorf("sse: the connection does not flush: %w", http.ErrNotSupported)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.Del("Content-Length")
	w.WriteHeader(http.StatusOK)
	return s, s.sendRetry()
}

func (s *Writer) sendRetry() error {
	b := taken()
	defer giveBack(b)
	b.Write(appendRetry(b.AvailableBuffer(), s.opts.Retry))
	return s.flush(b.Bytes())
}

// flushes looks through wrapped writers as http.ResponseController does, without
// flushing: that would send the headers.
func flushes(w http.ResponseWriter) bool {
	for {
		switch v := w.(type) {
		case interface{ FlushError() error }, http.Flusher:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return false
		}
	}
}

// Send writes frames in one go.
func (s *Writer) Send(frames ...Frame) error {
	b := taken()
	defer giveBack(b)
	for _, f := range frames {
		b.Grow(len(f.Data) + frameMargin)
		b.Write(f.append(b.AvailableBuffer()))
	}
	return s.flush(b.Bytes())
}

// frameMargin is about what a frame is longer than its data.
const frameMargin = 128

// SendRaw writes whole events as another server wrote them.
func (s *Writer) SendRaw(events []byte) error { return s.flush(events) }

// Heartbeat tells the client, and whatever is in between, that the stream lives. It
// carries no id.
func (s *Writer) Heartbeat() error { return s.Send(heartbeat) }

func (s *Writer) flush(events []byte) error {
	if err := s.ctl.SetWriteDeadline(time.Now().Add(s.opts.WriteTimeout)); err != nil {
		return fmt.Errorf("sse: setting the deadline: %w", err)
	}
	if _, err := s.w.Write(events); err != nil {
		return fmt.Errorf("sse: writing: %w", err)
	}
	if err := s.ctl.Flush(); err != nil {
		return fmt.Errorf("sse: flushing: %w", err)
	}
	// HTTP/2 resets a stream whose deadline passes even while nothing is written.
	if err := s.ctl.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("sse: lifting the deadline: %w", err)
	}
	return nil
}

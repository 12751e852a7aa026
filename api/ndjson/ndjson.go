// Package ndjson reads a body of newline-delimited JSON ahead of whoever works on it,
// so that what arrives while a transaction runs goes into the next one together.
//
// It decodes with a function it is given and knows nothing of what the lines mean.
package ndjson

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/openova-io/provflow/service/flow"
)

// LineError says which line, counted from 1, was at fault.
type LineError struct {
	Line int
	Err  error
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap gives what was wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// lines is a body being read.
type lines[T any] struct {
	items chan *item[T]       // pointers: room for many costs little where few come
	room  *semaphore.Weighted // for the bytes of what is in items
}

type item[T any] struct {
	value T
	size  int64
	err   error // io.EOF at the end of the body
}

// Limits bound what is held of a body: the longest line, in bytes, and how many lines and
// bytes are read ahead of who works on them.
type Limits struct {
	Line  int
	Lines int
	Bytes int64 // at least Line
}

// Each reads a body to its end, and calls do with all that has arrived since it was called
// last. A line over the limit is an error; empty lines are passed over. What goes wrong is do's
// own error, a *LineError or the body's; the latter two come after the lines before were done.
func Each[T any](ctx context.Context, body io.Reader, limits Limits, decode func([]byte) (T, error), do func([]T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := begin(ctx, body, limits, decode)
	for {
		values, err := l.next(ctx)
		if len(values) > 0 {
			if err := do(values); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// begin reads ahead until ctx ends. A read of the body that is under way ends with the body.
func begin[T any](ctx context.Context, body io.Reader, limits Limits, decode func([]byte) (T, error)) *lines[T] {
	l := &lines[T]{items: make(chan *item[T], limits.Lines), room: semaphore.NewWeighted(limits.Bytes)}
	go func() {
		buffered := buffers.Get().(*bufio.Reader)
		buffered.Reset(body)
		l.read(ctx, buffered, limits.Line, decode)
		buffered.Reset(nil)
		buffers.Put(buffered)
	}()
	return l
}

// buffers are lent for as long as a body is read: most bodies are much smaller than one.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

// next waits for a line and gives it with all that have arrived since. With the lines before
// it comes the error that ended the reading, io.EOF among them.
func (l *lines[T]) next(ctx context.Context) (values []T, err error) {
	select {
	case first := <-l.items:
		return l.gather(first)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *lines[T]) gather(next *item[T]) (values []T, err error) {
	for {
		if next.err != nil {
			return values, next.err
		}
		values = append(values, next.value)
		l.room.Release(next.size)
		if len(values) == cap(l.items) {
			return values, nil
		}
		select {
		case next = <-l.items:
		default:
			return values, nil
		}
	}
}

func (l *lines[T]) read(ctx context.Context, body *bufio.Reader, maxLine int, decode func([]byte) (T, error)) {
	for n := 1; ; n++ {
		line, err := readLine(body, maxLine)
		it := &item[T]{}
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			it.err = lineError(n, err)
		case len(bytes.TrimSpace(line)) > 0:
			// A last line without a newline counts: the body ended, it was not cut.
			it = l.decode(ctx, n, line, decode)
		case err == nil:
			continue
		default:
			it.err = io.EOF
		}
		select {
		case l.items <- it:
		case <-ctx.Done():
			return
		}
		if it.err != nil {
			return
		}
	}
}

// decode makes an item of a line once there is room for it.
func (l *lines[T]) decode(ctx context.Context, n int, line []byte, decode func([]byte) (T, error)) *item[T] {
	it := &item[T]{size: int64(len(line))}
	if it.err = l.room.Acquire(ctx, it.size); it.err != nil {
		return it
	}
	if it.value, it.err = decode(line); it.err != nil {
		it.err = &LineError{n, it.err}
	}
	return it
}

// lineError marks what is wrong with a line; that the body broke off is nobody's line.
func lineError(n int, err error) error {
	var known *flow.Error
	if errors.As(err, &known) {
		return &LineError{n, err}
	}
	return &flow.Error{
		Code: flow.Invalid, Slug: "body-cut-off", Cause: err,
		Detail: fmt.Sprintf("the body ended in the middle of line %d; send the rest again", n),
	}
}

// readLine reads up to a newline; io.EOF comes with an empty line after the last one.
func readLine(r *bufio.Reader, maxLine int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, flow.Invalidf("line-too-long", "is longer than %d bytes; send less in one line", maxLine)
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = nil
		}
		return line, err
	}
}

package upstream

import (
	"bufio"
	"fmt"
)

// frames cuts a stream of events where an event ends: after an empty line, whether lines
// end in LF, CRLF or CR.
type frames struct {
	r    *bufio.Reader
	most int // bytes of one event

	begun     bool // the first byte was seen
	lineStart bool // the next byte begins a line
	afterCR   bool // an LF now belongs to the line end before it
}

// next gives one event and the empty line after it, as they came.
func (f *frames) next() ([]byte, error) {
	if err := f.skipMark(); err != nil {
		return nil, err
	}
	var frame []byte
	for {
		if _, err := f.r.Peek(1); err != nil { // waits for more
			return nil, err
		}
		chunk, _ := f.r.Peek(f.r.Buffered()) // no more than there is: it cannot fail
		n, ended := f.scan(chunk)
		if len(frame)+n > f.most {
			return nil, fmt.Errorf("an event has more than %d bytes", f.most)
		}
		frame = append(frame, chunk[:n]...)
		_, _ = f.r.Discard(n) // they are there
		if ended {
			return frame, nil
		}
	}
}

// skipMark leaves out a byte order mark, which means something at the very beginning
// only, and there it is not when the event is passed on.
func (f *frames) skipMark() error {
	if f.begun {
		return nil
	}
	f.begun = true
	first, err := f.r.Peek(1)
	if err != nil || first[0] != 0xEF {
		return err
	}
	if mark, err := f.r.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = f.r.Discard(3) // they are there
	}
	return nil
}

// scan says how many of the bytes belong to the event, and whether it ends with them.
func (f *frames) scan(chunk []byte) (n int, ended bool) {
	for i, c := range chunk {
		second := c == '\n' && f.afterCR
		f.afterCR = c == '\r'
		switch {
		case second:
		case c != '\n' && c != '\r':
			f.lineStart = false
		case f.lineStart:
			return f.through(chunk, i), true
		default:
			f.lineStart = true
		}
	}
	return len(chunk), false
}

// through counts the line end at i, both bytes of it where they are there.
func (f *frames) through(chunk []byte, i int) int {
	if f.afterCR && i+1 < len(chunk) && chunk[i+1] == '\n' {
		f.afterCR = false
		return i + 2
	}
	return i + 1
}

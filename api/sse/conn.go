package sse

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// conn answers one request on a connection that was taken over, in HTTP/1.1: each Write is
// a chunk and goes out at once. It holds nothing between writes.
type conn struct {
	taken  net.Conn
	header http.Header
	status int  // 0 until the answer has begun
	sent   bool // the head is out
}

// Header implements http.ResponseWriter.
func (c *conn) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter. Informational answers are left out.
func (c *conn) WriteHeader(status int) {
	if c.status == 0 && status >= http.StatusOK {
		c.status = status
	}
}

// SetWriteDeadline is for http.ResponseController.
func (c *conn) SetWriteDeadline(at time.Time) error { return c.taken.SetWriteDeadline(at) }

// FlushError is for http.ResponseController. Only a head without a body waits for it.
func (c *conn) FlushError() error {
	if c.sent {
		return nil
	}
	_, err := c.Write(nil)
	return err
}

// Write implements http.ResponseWriter.
func (c *conn) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.bodiless() && len(p) > 0 {
		return 0, http.ErrBodyNotAllowed
	}
	b := taken()
	defer giveBack(b)
	c.head(b)
	if len(p) > 0 {
		var size [20]byte
		b.Write(append(strconv.AppendInt(size[:0], int64(len(p)), 16), "\r\n"...))
		b.Write(p)
		b.WriteString("\r\n")
	}
	if _, err := c.taken.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// head writes the head of the answer, once.
func (c *conn) head(b *bytes.Buffer) {
	if c.sent {
		return
	}
	c.sent = true
	c.header.Del("Content-Length")
	c.header.Set("Connection", "close")
	c.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if !c.bodiless() {
		c.header.Set("Transfer-Encoding", "chunked")
	}
	fmt.Fprintf(b, "HTTP/1.1 %d %s\r\n", c.status, http.StatusText(c.status))
	_ = c.header.Write(b)
	b.WriteString("\r\n")
}

func (c *conn) bodiless() bool {
	return c.status == http.StatusNoContent || c.status == http.StatusNotModified
}

// serve has the request answered. A handler that panics, which others have logged, cuts
// the answer short.
func (c *conn) serve(next http.Handler, r *http.Request) {
	defer func() { _ = recover() }()
	next.ServeHTTP(c, r)
	c.finish()
}

func (c *conn) finish() {
	if err := c.taken.SetWriteDeadline(time.Now().Add(lastWrite)); err != nil {
		return
	}
	if err := c.FlushError(); err == nil && !c.bodiless() {
		_, _ = c.taken.Write([]byte("0\r\n\r\n")) // the client is gone; there is nobody to tell
	}
}

// lastWrite is how long the end of an answer may take.
const lastWrite = time.Second

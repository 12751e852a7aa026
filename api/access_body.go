package api

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

const (
	slugTooSlow     = "body-too-slow"
	slugAccessEnded = "access-ended"
)

var errAccessEnded = flow.Invalidf(slugAccessEnded, "the credential that was sent is not valid any more; send the rest with another")

// pacedBody is a request's body that must go on coming. Every read has a deadline of its
// own, so a client that stands still ends its own request and holds nothing for ever.
type pacedBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	idle  time.Duration
	until time.Time // when all of it must be there; zero: no matter when

	mu   sync.Mutex
	over error // why nothing more is read; the deadline is not touched after that
}

// pace puts a pacedBody into the request.
func (g *gate) pace(w http.ResponseWriter, r *http.Request, k kind) *pacedBody {
	b := &pacedBody{ReadCloser: r.Body, conn: http.NewResponseController(w), idle: g.BodyIdle}
	if r.Body == nil || r.Body == http.NoBody {
		b.over = io.EOF
		return b
	}
	switch k {
	case inflow:
		b.idle = g.IngestIdle
	case brief, live:
		b.until = time.Now().Add(bodyTotal * g.BodyIdle)
	}
	// Also for a handler that does not read it: the server then reads some of it away.
	b.extend()
	r.Body = b
	return b
}

// few is how many bytes of a body that nobody wants are read away, and how long that may
// take: then the connection can be used again.
const (
	few     = 64 << 10
	fewTime = 2 * time.Second
)

// giveUp is for an answer before the body is read. A body of unknown length may go on for
// hours, and net/http would hold the answer back until its end.
func giveUp(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	at := time.Now().Add(fewTime)
	if r.ContentLength < 0 || r.ContentLength > few {
		at = time.Now()
		w.Header().Set("Connection", "close")
	}
	_ = http.NewResponseController(w).SetReadDeadline(at)
}

// extend gives the next read its deadline. A connection that has none is a test's.
func (b *pacedBody) extend() {
	at := time.Now().Add(b.idle)
	if !b.until.IsZero() && b.until.Before(at) {
		at = b.until
	}
	_ = b.conn.SetReadDeadline(at)
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	if err := b.begin(); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		return n, nil
	}
	return n, b.explain(err)
}

func (b *pacedBody) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil {
		b.extend()
	}
	return b.over
}

// explain says why the body goes no further.
func (b *pacedBody) explain(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over != nil:
	case errors.Is(err, io.EOF):
		// From here on the server listens for the client's leaving; a deadline would be taken for that.
		_ = b.conn.SetReadDeadline(time.Time{})
		b.over = io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.over = flow.Invalidf(slugTooSlow, "the body did not go on for %s; send the rest again", b.idle)
	default:
		b.over = err
	}
	return b.over
}

// end makes a read that waits, and every later one, fail with that error.
func (b *pacedBody) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil {
		b.over = err
		_ = b.conn.SetReadDeadline(time.Now())
	}
}

// leave is for the end of the handler: who still reads must not touch the connection,
// which may be another request's by then.
func (b *pacedBody) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil {
		b.over = http.ErrBodyReadAfterClose
	}
}

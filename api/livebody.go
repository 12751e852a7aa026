package api

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// liveBody is a body that may be written for hours. It ends with the request's context,
// and it must be closed before an answer is written: net/http would hold the answer back
// until the client has no more to say.
type liveBody struct {
	w     http.ResponseWriter
	r     *http.Request
	ended atomic.Bool
	stop  func() bool
}

func newLiveBody(w http.ResponseWriter, r *http.Request) *liveBody {
	b := &liveBody{w: w, r: r}
	b.stop = context.AfterFunc(r.Context(), b.cut)
	return b
}

// Read reads the body. Where it was cut because the server stops, the error says so.
func (b *liveBody) Read(p []byte) (int, error) {
	n, err := b.r.Body.Read(p)
	if err == nil {
		return n, nil
	}
	b.ended.Store(true)
	var why *flow.Error
	if errors.Is(err, os.ErrDeadlineExceeded) && errors.As(context.Cause(b.r.Context()), &why) {
		err = why
	}
	return n, err
}

// close gives up what has not come yet, and the connection with it.
func (b *liveBody) close() {
	b.stop()
	if !b.ended.Load() {
		b.w.Header().Set("Connection", "close")
		b.cut()
	}
}

// cut ends a Read that waits. A connection without deadlines is one of a test.
func (b *liveBody) cut() {
	if b.ended.Load() {
		return
	}
	if paced, ok := b.r.Body.(*pacedBody); ok { // which gives each read a deadline of its own
		paced.end(os.ErrDeadlineExceeded)
		return
	}
	_ = http.NewResponseController(b.w).SetReadDeadline(time.Now())
}

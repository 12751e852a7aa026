package sse

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/openova-io/provflow/service/feed"
)

// Source is where batches come from; *feed.Subscription is one. Next blocks until there
// is something, and loses nothing when its ctx ends.
type Source interface {
	Next(ctx context.Context) (feed.Batch, error)
}

// Serve streams what comes from the source until the client leaves, the flow is gone or
// the hub stops (nil), or a write fails or takes too long (an error, for the log: the
// answer has begun). An error that is http.ErrNotSupported comes before anything is written.
func Serve(w http.ResponseWriter, r *http.Request, src Source, opts Options) error {
	out, err := Start(w, opts)
	if err != nil {
		return err
	}
	return out.Follow(r.Context(), src)
}

// Follow is Serve on a stream that has begun, until ctx ends. A heartbeat comes every interval,
// whatever else was sent: to begin the interval anew with each batch costs a tenth of sending it.
func (s *Writer) Follow(ctx context.Context, src Source) error {
	for {
		due, err := s.untilBeat(ctx, src)
		if due {
			err = s.Heartbeat()
		}
		if !due || err != nil {
			return err
		}
	}
}

// untilBeat sends what comes until a heartbeat is due, or until the stream ends.
func (s *Writer) untilBeat(stream context.Context, src Source) (due bool, err error) {
	ctx, cancel := context.WithTimeout(stream, s.opts.Heartbeat)
	defer cancel()
	for {
		b, err := src.Next(ctx)
		switch {
		case stream.Err() != nil, errors.Is(err, feed.ErrGone), errors.Is(err, feed.ErrStopped):
			return false, nil // an orderly end, not a failure
		case errors.Is(err, context.DeadlineExceeded):
			return true, nil
		case err == nil:
			err = s.SendBatch(b)
		}
		if err != nil {
			return false, err
		}
	}
}

// SendBatch writes a batch in one go. Only its last frame gets the new cursor: who is cut
// off before it comes back with the old one and gets the whole batch again.
func (s *Writer) SendBatch(b feed.Batch) error {
	frames := make([]Frame, len(b.Frames))
	for i, f := range b.Frames {
		e, err := NewEvent(f.Event)
		if err != nil {
			return fmt.Errorf("frame %d of a batch: %w", i, err)
		}
		frames[i] = Frame{Event: e, ID: CursorID(b.Before), Data: f.Data}
	}
	if n := len(frames); n > 0 {
		frames[n-1].ID = CursorID(b.After)
	}
	return s.Send(frames...)
}

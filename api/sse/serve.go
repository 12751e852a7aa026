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
	for {
		b, err := out.next(r.Context(), src)
		switch {
		case r.Context().Err() != nil, errors.Is(err, feed.ErrGone), errors.Is(err, feed.ErrStopped):
			return nil //nolint:nilerr // an orderly end, not a failure
		case errors.Is(err, context.DeadlineExceeded):
			err = out.Heartbeat()
		case err == nil:
			err = out.sendBatch(b)
		}
		if err != nil {
			return err
		}
	}
}

func (s *Writer) next(ctx context.Context, src Source) (feed.Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Heartbeat)
	defer cancel()
	return src.Next(ctx)
}

// sendBatch gives only the last frame the new cursor: who is cut off before it comes
// back with the old one and gets the whole batch again.
func (s *Writer) sendBatch(b feed.Batch) error {
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

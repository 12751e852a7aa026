package helmwatch

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// entry is something to write; then, if there is one, is called once it is stored.
type entry struct {
	item record.Item
	then func()
}

// mostTogether is how many entries go into one call of the recorder.
const mostTogether = 500

// writer writes entries in the order in which they came, those that came meanwhile
// together. While the database is away, those who bring them wait.
type writer struct {
	*cluster
	in  chan entry
	end context.CancelCauseFunc // is told when the term is over
}

func (c *cluster) newWriter(end context.CancelCauseFunc) *writer {
	return &writer{c, make(chan entry, mostTogether), end}
}

// put waits for room, or for ctx to end.
func (w *writer) put(ctx context.Context, e entry) {
	select {
	case w.in <- e:
	case <-ctx.Done():
	}
}

func (w *writer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.in:
			w.commit(ctx, w.andWaiting(e))
		}
	}
}

func (w *writer) andWaiting(e entry) []entry {
	batch := []entry{e}
	for len(batch) < mostTogether {
		select {
		case e = <-w.in:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// commit stores a batch, however long that takes. What is refused for itself is logged and
// left out, so that it does not hold up what comes after.
func (w *writer) commit(ctx context.Context, batch []entry) {
	for retry := retries(5 * time.Second); ; {
		err := w.record(ctx, batch)
		switch {
		case err == nil:
			return
		case errors.Is(err, flow.ErrTermOver):
			w.end(err)
			return
		case flow.CodeOf(err) == flow.Unavailable:
			if !pause(ctx, retry.Step()) {
				return
			}
		case len(batch) > 1:
			for _, e := range batch {
				w.commit(ctx, []entry{e})
			}
			return
		default:
			w.log.Error("left out what could not be recorded", "error", err)
			return
		}
	}
}

func (w *writer) record(ctx context.Context, batch []entry) error {
	items := make([]record.Item, len(batch))
	for i, e := range batch {
		items[i] = e.item
	}
	if _, err := w.options.Recorder.Record(ctx, w.FlowID, items); err != nil {
		return err
	}
	for _, e := range batch {
		if e.then != nil {
			e.then()
		}
	}
	return nil
}

// retries is how long to wait before trying again: jittered, growing up to a cap.
func retries(most time.Duration) *wait.Backoff {
	return &wait.Backoff{Duration: 250 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 16, Cap: most}
}

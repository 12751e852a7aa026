package timeline

import (
	"context"
	"errors"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// Store holds flows, and what was computed of those that have ended.
type Store interface {
	// Uncounted lists flows that have ended and whose timeline is not kept as of now, by id,
	// after that one.
	Uncounted(ctx context.Context, after string, limit int) ([]string, error)
	TimelineInput(ctx context.Context, flowID string) (Input, error)
	// KeepTimeline stores nothing where the flow is gone, or where later facts are there.
	KeepTimeline(ctx context.Context, in Input, t Timeline) error
}

// Keeper computes the timelines of flows that have ended and has them kept. What is to be
// done is a question to the store, so nothing is left undone for ever by who stops in the
// midst of it, and several replicas may do it at once: they keep the same.
type Keeper struct {
	Store Store
}

// page bounds what is held of flows at once.
const page = 100

// Keep does what is to be done now and says of how many flows; 0: nothing was left. One
// that fails hinders no other.
func (k Keeper) Keep(ctx context.Context, now time.Time) (kept int, err error) {
	for after := ""; ; {
		ids, failed := k.Store.Uncounted(ctx, after, page)
		if failed != nil {
			return kept, failed
		}
		for _, id := range ids {
			if failed := k.keep(ctx, id, now); failed != nil {
				err = errors.Join(err, failed)
				continue
			}
			kept++
		}
		if len(ids) < page {
			return kept, err
		}
		after = ids[len(ids)-1]
	}
}

func (k Keeper) keep(ctx context.Context, flowID string, now time.Time) error {
	in, err := k.Store.TimelineInput(ctx, flowID)
	if flow.CodeOf(err) == flow.NotFound {
		return nil // it was deleted meanwhile
	}
	if err != nil || !in.Flow.Status.Terminal() {
		return err
	}
	return k.Store.KeepTimeline(ctx, in, Compute(in, now))
}

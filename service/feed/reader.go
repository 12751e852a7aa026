package feed

import (
	"context"
	"errors"

	"github.com/openova-io/provflow/service/flow"
)

// Reader is what the feed needs of the store. It is called concurrently. Every error
// that is not flow.NotFound is taken as passing and the call is made again.
type Reader interface {
	// ChangedSince reads, in one consistent moment, what changed in the flow since
	// `since`; To is the cursor of that moment. With NoCursor, a cursor of another
	// epoch, one newer than the flow or older than the tombstones still kept, it gives
	// Reset and the whole flow: Flow is set, rows are in stable order. flow.NotFound
	// when there is no such flow.
	ChangedSince(ctx context.Context, flowID string, since flow.Cursor) (flow.Delta, error)
	// Cursors gives the current cursors of those flows; a flow that does not exist is
	// absent from the map.
	Cursors(ctx context.Context, flowIDs []string) (map[string]flow.Cursor, error)
	// Deployment gives a deployment's record; flow.NotFound when there is none.
	Deployment(ctx context.Context, id string) (flow.Deployment, error)
}

// ErrGone ends a subscription whose flow was deleted or now has another history. The
// client reconnects and is resolved afresh.
var ErrGone = errors.New("feed: the flow is gone")

// ErrStopped ends every subscription when the hub stops.
var ErrStopped = errors.New("feed: the hub has stopped")

func stopped() error {
	return &flow.Error{Code: flow.Unavailable, Slug: "stopping", Detail: "this replica is stopping; connect again", Cause: ErrStopped}
}

func unknown(flowID string) error {
	return flow.NotFoundf("flow-not-found", "there is no flow and no deployment %q", flowID)
}

func isNotFound(err error) bool { return flow.CodeOf(err) == flow.NotFound }

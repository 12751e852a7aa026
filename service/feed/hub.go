package feed

import (
	"context"
	"errors"

	"github.com/openova-io/provflow/service/flow"
)

// Hub holds the topics of all watched flows. All methods may be called concurrently.
type Hub struct {
	watched[*topic]
	reader  Reader
	opts    Options
	kick    chan struct{} // asks for a poll now
	health  health
	snaps   *snapshots
	cursors cursorReads
	counts  counters
}

// New makes a hub. It serves at once; Run is what makes it converge when wakes are lost.
func New(reader Reader, opts Options) *Hub {
	h := &Hub{watched: newWatched[*topic](), reader: reader, opts: opts.withDefaults(), kick: make(chan struct{}, 1)}
	h.health.init(h.ctx)
	h.snaps = newSnapshots(h.opts.SnapshotBytes)
	return h
}

// Run polls until ctx ends, then ends every subscription with ErrStopped and waits for
// all the hub's goroutines. It runs once.
func (h *Hub) Run(ctx context.Context) error {
	h.poll(ctx)
	h.end()
	return nil
}

// Wake says that a flow may have changed. It never blocks and costs next to nothing for
// a flow that nobody watches.
func (h *Hub) Wake(flowID string) {
	if t, there := h.find(flowID); there {
		t.learn()
	}
}

// Resync says that wakes may have been lost: the versions of all watched flows are read
// again now. It never blocks.
func (h *Hub) Resync() { signal(h.kick) }

// Subscribe opens a subscription that begins after `last`, the cursor the client knows;
// with NoCursor or one of another history it begins with a snapshot not older than the
// last write acknowledged on any replica.
//
// flow.NotFound when there is neither a flow nor a deployment of that id;
// flow.Unavailable when the database is away and nothing is known of the flow.
func (h *Hub) Subscribe(ctx context.Context, flowID string, last flow.Cursor) (*Subscription, error) {
	for {
		t, err := h.topic(flowID)
		if err != nil {
			return nil, err
		}
		least, err := t.admit(ctx, last)
		if err == nil {
			return newSubscription(t, last, least), nil
		}
		h.release(t)
		// The topic ended while we waited for it: the id is resolved afresh.
		if !errors.Is(err, ErrGone) {
			return nil, err
		}
	}
}

// Await blocks until the flow exists, whether or not anything is known of the id; for
// those who serve it from elsewhere until then. It ends with ctx, or with ErrStopped.
func (h *Hub) Await(ctx context.Context, flowID string) error {
	for {
		t, err := h.topic(flowID)
		if err != nil {
			return err
		}
		err = t.awaitLive(ctx)
		h.release(t)
		if !errors.Is(err, ErrGone) {
			return err
		}
	}
}

func (h *Hub) topic(flowID string) (*topic, error) {
	return h.acquire(flowID, func() *topic { return newTopic(h, flowID) })
}

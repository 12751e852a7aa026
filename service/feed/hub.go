package feed

import (
	"context"
	"errors"
	"sync"

	"github.com/openova-io/provflow/service/flow"
)

// Hub holds the topics of all watched flows. All methods may be called concurrently.
type Hub struct {
	reader  Reader
	opts    Options
	ctx     context.Context // ends when the hub stops
	stop    context.CancelFunc
	kick    chan struct{} // asks for a poll now
	health  health
	snaps   *snapshots
	cursors cursorReads
	counts  counters

	mu     sync.Mutex
	closed bool
	topics map[string]*topic
	work   sync.WaitGroup // grows under mu and only while not closed
}

// New makes a hub. It serves at once; Run is what makes it converge when wakes are lost.
func New(reader Reader, opts Options) *Hub {
	h := &Hub{reader: reader, opts: opts.withDefaults(), kick: make(chan struct{}, 1), topics: map[string]*topic{}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.health.init(h.ctx)
	h.snaps = newSnapshots(h.opts.SnapshotBytes)
	return h
}

// Run polls until ctx ends, then ends every subscription with ErrStopped and waits for
// all the hub's goroutines. It runs once.
func (h *Hub) Run(ctx context.Context) error {
	h.poll(ctx)
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.stop()
	h.work.Wait()
	return nil
}

// Wake says that a flow may have changed. It never blocks and costs next to nothing for
// a flow that nobody watches.
func (h *Hub) Wake(flowID string) {
	h.mu.Lock()
	t := h.topics[flowID]
	h.mu.Unlock()
	if t != nil {
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
		t, err := h.acquire(flowID)
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
		t, err := h.acquire(flowID)
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

func (h *Hub) acquire(flowID string) (*topic, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, stopped()
	}
	t := h.topics[flowID]
	if t == nil {
		t = newTopic(h, flowID)
		h.topics[flowID] = t
		h.work.Go(t.run)
	}
	t.users++
	return t, nil
}

func (h *Hub) release(t *topic) {
	h.mu.Lock()
	t.users--
	last := t.users == 0
	h.mu.Unlock()
	if last {
		signal(t.wake)
	}
}

func (h *Hub) idle(t *topic) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return t.users == 0
}

// retire takes a topic that nobody uses off the map; false when somebody came back.
func (h *Hub) retire(t *topic) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.users > 0 {
		return false
	}
	h.drop(t)
	return true
}

// forget takes a topic off the map although it has users: the next one gets a new topic.
func (h *Hub) forget(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(t)
}

func (h *Hub) drop(t *topic) {
	if h.topics[t.id] == t {
		delete(h.topics, t.id)
	}
}

// signal fills a channel of size 1: who listens will look once more, however often it was called.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

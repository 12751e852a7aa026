package record

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// Store carries out writes. Record returns after COMMIT, or with an error after which
// nothing is stored; flow.Unavailable alone leaves that open, and the write's keys make it
// safe to send again.
type Store interface {
	Record(ctx context.Context, w flow.Write) (flow.Cursor, error)
	// RecordTogether carries out writes of several flows that are there, in one transaction,
	// and waits for none of them: what it leaves out has NoCursor.
	RecordTogether(ctx context.Context, ws []flow.Write) ([]flow.Cursor, error)
}

// Announcer is told, after the commit, that a flow has changed. It must not block.
type Announcer interface {
	Announce(flowID string)
}

// graphsKept is how many flows are kept in memory.
const graphsKept = 256

// Options bound the recorder's work; zero values choose the defaults.
type Options struct {
	BatchSize    int           // observations in one transaction: 500
	Transactions int           // at once: 4
	Timeout      time.Duration // of one transaction: 15 s
	// Observe is told of every transaction: how many observations were in it, how long it
	// took, and the error that undid it. It is called concurrently and must not block.
	Observe func(items int, took time.Duration, err error)
	Now     func() time.Time
	Logger  *slog.Logger
}

// Item is one observation and what recognises it when it is sent again; without a Key it
// is applied as often as it is sent. OfDeployment says that the flow is a deployment's, whose
// record is made where there is none; OfExisting, that without a flow there is nothing to
// record, which is then flow.NotFound. A Fence refuses the whole call with flow.ErrTermOver
// once its term is over.
type Item struct {
	Observation  bridge.Observation
	Key          flow.Fingerprint
	Fence        flow.Fence
	OfDeployment bool
	OfExisting   bool
}

// Recorder writes observations. It is safe for concurrent use; writes to one flow are
// done in the order in which they came in.
type Recorder struct {
	store    Store
	announce Announcer
	options  Options
	graphs   *graphs

	givenUp context.Context // ends all transactions
	giveUp  context.CancelFunc

	mu        sync.Mutex
	queues    queues
	running   int        // workers
	gathering *gathering // of the one worker that does
	closed    bool
	work      sync.WaitGroup
}

// request is one caller's observations; done is answered once.
type request struct {
	ctx   context.Context // its values only
	items []Item
	done  chan result
}

type result struct {
	at  flow.Cursor
	err error
}

// New makes a recorder.
func New(store Store, announce Announcer, o Options) *Recorder {
	o = o.withDefaults()
	r := &Recorder{
		store: store, announce: announce, options: o, graphs: newGraphs(graphsKept),
		queues: queues{byFlow: map[string]*queue{}},
	}
	r.givenUp, r.giveUp = context.WithCancel(context.Background())
	return r
}

func (o Options) withDefaults() Options {
	o.BatchSize = cmp.Or(o.BatchSize, 500)
	o.Transactions = cmp.Or(o.Transactions, 4)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	if o.Observe == nil {
		o.Observe = func(int, time.Duration, error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// Record stores the observations, all of them in one transaction, and gives the cursor
// at which they are durable. When ctx ends first, the caller does not learn the outcome,
// which is flow.Unavailable; the observations are stored nevertheless.
func (r *Recorder) Record(ctx context.Context, flowID string, items []Item) (flow.Cursor, error) {
	req := &request{ctx: context.WithoutCancel(ctx), items: items, done: make(chan result, 1)}
	if err := r.enqueue(flowID, req); err != nil {
		return flow.NoCursor, err
	}
	select {
	case res := <-req.done:
		return res.at, res.err
	case <-ctx.Done():
		return flow.NoCursor, &flow.Error{
			Code: flow.Unavailable, Slug: "interrupted", Detail: "the outcome is not known; send it again, it has its effect once", Cause: ctx.Err(),
		}
	}
}

// Close refuses new work and waits for what was accepted, until GiveUp is called.
func (r *Recorder) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.work.Wait()
}

// GiveUp ends the transactions under way and all that follow as flow.Unavailable: a database
// that says nothing would be waited for in one after another. Nothing of it was acknowledged.
func (r *Recorder) GiveUp() { r.giveUp() }

func (r *Recorder) enqueue(flowID string, req *request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return &flow.Error{Code: flow.Unavailable, Slug: "stopping", Detail: "the server is stopping; send it again to another replica or shortly"}
	}
	r.queues.add(flowID, req)
	r.wake()
	return nil
}

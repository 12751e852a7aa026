package record

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
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
}

// Announcer is told, after the commit, that a flow has changed. It must not block.
type Announcer interface {
	Announce(flowID string)
}

// Options bound the recorder's work; zero values choose the defaults.
type Options struct {
	BatchSize    int           // observations in one transaction: 500
	Transactions int           // at once: 8
	Graphs       int           // flows kept in memory: 256
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
	slots    chan struct{}

	mu     sync.Mutex
	queues map[string]*queue
	graphs *graphs
	closed bool
	work   sync.WaitGroup
}

// queue is what waits for the transaction of one flow that runs.
type queue struct {
	waiting []*request
	size    int           // how many items that is
	wanted  int           // see gather
	enough  chan struct{} // closed when so many wait; nil when nobody asks
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
	return &Recorder{
		store: store, announce: announce, options: o, slots: make(chan struct{}, o.Transactions),
		queues: map[string]*queue{}, graphs: newGraphs(o.Graphs),
	}
}

func (o Options) withDefaults() Options {
	o.BatchSize = orDefault(o.BatchSize, 500)
	o.Transactions = orDefault(o.Transactions, 8)
	o.Graphs = orDefault(o.Graphs, 256)
	o.Timeout = orDefault(o.Timeout, 15*time.Second)
	if o.Observe == nil {
		o.Observe = func(int, time.Duration, error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
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

// Close refuses new work and waits for what was accepted.
func (r *Recorder) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.work.Wait()
}

func (r *Recorder) enqueue(flowID string, req *request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return &flow.Error{Code: flow.Unavailable, Slug: "stopping", Detail: "the server is stopping; send it again to another replica or shortly"}
	}
	if q := r.queues[flowID]; q != nil {
		q.add(req, r.options.BatchSize)
		return nil
	}
	q := &queue{}
	q.add(req, r.options.BatchSize)
	r.queues[flowID] = q
	r.work.Add(1)
	go r.drain(flowID)
	return nil
}

// drain runs a flow's transactions one after another until nothing waits.
func (r *Recorder) drain(flowID string) {
	defer r.work.Done()
	for last, took := 0, time.Duration(0); ; {
		r.gather(flowID, last, took)
		r.slots <- struct{}{} // first a slot, then the batch: what comes meanwhile goes along
		batch := r.take(flowID)
		begun := r.options.Now()
		if len(batch) > 0 {
			r.commit(flowID, batch)
		}
		<-r.slots
		if len(batch) == 0 {
			return
		}
		last, took = len(batch), r.options.Now().Sub(begun)
	}
}

// take removes the requests of the next transaction; with none left it ends the queue.
func (r *Recorder) take(flowID string) []*request {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[flowID]
	n, size := 0, 0
	for n < len(q.waiting) && (n == 0 || size+len(q.waiting[n].items) <= r.options.BatchSize) {
		size += len(q.waiting[n].items)
		n++
	}
	if n == 0 {
		delete(r.queues, flowID)
		return nil
	}
	batch := q.waiting[:n:n]
	q.waiting, q.size = q.waiting[n:], q.size-size
	return batch
}

// commit stores a batch. Where the store refuses what is in it, each request is tried
// alone, so that one caller's input costs nobody else anything.
func (r *Recorder) commit(flowID string, batch []*request) {
	at, err := r.write(flowID, batch)
	if err != nil && len(batch) > 1 && flow.CodeOf(err) != flow.Unavailable {
		for _, req := range batch {
			r.commit(flowID, []*request{req})
		}
		return
	}
	for _, req := range batch {
		req.done <- result{at, err}
	}
}

// write runs one transaction. A lost connection is tried once more: nothing has been
// acknowledged yet, and the keys make the second try harmless.
func (r *Recorder) write(flowID string, batch []*request) (at flow.Cursor, err error) {
	for range 2 {
		if at, err = r.observed(flowID, batch); flow.CodeOf(err) != flow.Unavailable || err == nil {
			break
		}
	}
	if err != nil && flow.CodeOf(err) != flow.NotFound {
		r.options.Logger.ErrorContext(batch[0].ctx, "recording failed", "flow", flowID, "requests", len(batch), "error", err)
	}
	return at, err
}

func (r *Recorder) observed(flowID string, batch []*request) (flow.Cursor, error) {
	begun, items := r.options.Now(), 0
	for _, req := range batch {
		items += len(req.items)
	}
	at, err := r.try(flowID, batch)
	r.options.Observe(items, r.options.Now().Sub(begun), err)
	return at, err
}

func (r *Recorder) try(flowID string, batch []*request) (_ flow.Cursor, err error) {
	// A rule that panics on somebody's input must not take everybody else's server along.
	defer func() {
		if p := recover(); p != nil {
			err = &flow.Error{Code: flow.Internal, Slug: "internal", Detail: "see the log", Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	// A client that goes away must not cancel a COMMIT. Of the callers' contexts only the
	// first one's values are there, by which logs and traces know whose work it is.
	ctx, cancel := context.WithTimeout(batch[0].ctx, r.options.Timeout)
	defer cancel()
	graph := r.graphs.take(flowID)
	before := graph.Cursor()
	at, err := r.store.Record(ctx, flow.Write{
		FlowID: flowID, Known: before, Keys: keysOf(batch), Fences: fencesOf(batch), Deployment: ofDeployment(batch), Existing: ofExisting(batch),
		Decide: func(s flow.State, fresh []bool) flow.Changes {
			graph.Load(s)
			before = s.To
			return decide(graph, s, batch, fresh)
		},
	})
	if err != nil {
		return flow.NoCursor, err // the graph is not put back: it may hold what was not stored
	}
	graph.Stored(at)
	r.graphs.put(flowID, graph)
	if at != before {
		r.announce.Announce(flowID)
	}
	return at, nil
}

// decide applies what is new of a batch.
func decide(g *flow.Graph, s flow.State, batch []*request, fresh []bool) flow.Changes {
	ledger := bridge.NewLedger(g, s.Deployment, s.Now)
	i := 0
	for _, req := range batch {
		for _, item := range req.items {
			if fresh[i] {
				item.Observation.Apply(ledger)
			}
			i++
		}
	}
	return ledger.Changes()
}

func keysOf(batch []*request) []flow.Fingerprint {
	var keys []flow.Fingerprint
	for _, req := range batch {
		for _, item := range req.items {
			keys = append(keys, item.Key)
		}
	}
	return keys
}

// fencesOf gives the terms of those in the batch that have one, each once.
func fencesOf(batch []*request) []flow.Fence {
	var fences []flow.Fence
	for _, req := range batch {
		for _, item := range req.items {
			if item.Fence != (flow.Fence{}) && !slices.Contains(fences, item.Fence) {
				fences = append(fences, item.Fence)
			}
		}
	}
	return fences
}

func ofDeployment(batch []*request) bool {
	for _, req := range batch {
		if slices.ContainsFunc(req.items, func(i Item) bool { return i.OfDeployment }) {
			return true
		}
	}
	return false
}

// ofExisting: one observation that makes the flow makes it for all.
func ofExisting(batch []*request) bool {
	for _, req := range batch {
		if slices.ContainsFunc(req.items, func(i Item) bool { return !i.OfExisting }) {
			return false
		}
	}
	return true
}

package record

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
)

// commit stores a batch of one flow. Where the store refuses what is in it, each request is
// tried alone, so that one caller's input costs nobody else anything.
func (r *Recorder) commit(flowID string, batch []*request) {
	at, err := r.write(flowID, batch)
	if err != nil && len(batch) > 1 && flow.CodeOf(err) != flow.Unavailable {
		for _, req := range batch {
			r.commit(flowID, []*request{req})
		}
		return
	}
	answer(batch, at, err)
}

func answer(batch []*request, at flow.Cursor, err error) {
	for _, req := range batch {
		req.done <- result{at, err}
	}
}

// write runs one transaction. A lost connection is tried once more: nothing has been
// acknowledged yet, and the keys make the second try harmless.
func (r *Recorder) write(flowID string, batch []*request) (at flow.Cursor, err error) {
	for range 2 {
		if at, err = r.try(flowID, batch); flow.CodeOf(err) != flow.Unavailable {
			break
		}
	}
	if code := flow.CodeOf(err); code == flow.Internal || code == flow.Unavailable { // else it is the caller's to mend
		r.options.Logger.ErrorContext(batch[0].ctx, "recording failed", "flow", flowID, "requests", len(batch), "error", err)
	}
	return at, err
}

func (r *Recorder) try(flowID string, batch []*request) (at flow.Cursor, err error) {
	d := r.draft(turn{flowID, batch})
	err = r.observed([]turn{d.turn}, func(ctx context.Context) error {
		at, err = r.store.Record(ctx, d.write())
		return err
	})
	if err != nil {
		return flow.NoCursor, err // the graph is not put back: it may hold what was not stored
	}
	r.stored(d, at)
	return at, nil
}

// together stores batches of several flows in one transaction, and gives those that it
// leaves to transactions of their own: all of them, after a failure. Nothing has been
// acknowledged then, and the keys make the second try harmless.
func (r *Recorder) together(turns []turn) (left []turn) {
	drafts, writes := make([]*draft, len(turns)), make([]flow.Write, len(turns))
	for i, t := range turns {
		drafts[i] = r.draft(t)
		writes[i] = drafts[i].write()
	}
	var ats []flow.Cursor
	err := r.observed(turns, func(ctx context.Context) (err error) {
		ats, err = r.store.RecordTogether(ctx, writes)
		return err
	})
	if err != nil {
		return turns
	}
	for i, d := range drafts {
		if ats[i] == flow.NoCursor {
			r.graphs.put(d.flowID, d.graph)
			left = append(left, d.turn)
			continue
		}
		r.stored(d, ats[i])
		answer(d.batch, ats[i], nil)
	}
	return left
}

// observed runs a transaction of some requests and says how it went.
func (r *Recorder) observed(turns []turn, do func(context.Context) error) (err error) {
	begun, items := r.options.Now(), 0
	for _, t := range turns {
		for _, req := range t.batch {
			items += len(req.items)
		}
	}
	// A client that goes away must not cancel a COMMIT. Of the callers' contexts only the
	// first one's values are there, by which logs and traces know whose work it is.
	ctx, cancel := context.WithTimeout(turns[0].batch[0].ctx, r.options.Timeout)
	goesOn := context.AfterFunc(r.givenUp, cancel)
	defer func() {
		goesOn()
		cancel()
		// A rule that panics on somebody's input must not take everybody else's server along.
		if p := recover(); p != nil {
			err = &flow.Error{Code: flow.Internal, Slug: "internal", Detail: "see the log", Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
		r.options.Observe(items, r.options.Now().Sub(begun), err)
	}()
	return do(ctx)
}

// draft is a turn with the graph that it is decided on.
type draft struct {
	turn
	graph  *flow.Graph
	before flow.Cursor
}

func (r *Recorder) draft(t turn) *draft {
	g := r.graphs.take(t.flowID)
	return &draft{t, g, g.Cursor()}
}

func (d *draft) write() flow.Write {
	return flow.Write{
		FlowID: d.flowID, Known: d.before, Keys: keysOf(d.batch), Fences: fencesOf(d.batch), Deployment: ofDeployment(d.batch), Existing: ofExisting(d.batch),
		Decide: func(s flow.State, fresh []bool) flow.Changes {
			d.graph.Load(s)
			d.before = s.To
			return decide(d.graph, s, d.batch, fresh)
		},
	}
}

// stored keeps the graph of a turn that is durable, and has the change announced.
func (r *Recorder) stored(d *draft, at flow.Cursor) {
	d.graph.Stored(at)
	r.graphs.put(d.flowID, d.graph)
	if at != d.before {
		r.announce.Announce(d.flowID)
	}
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

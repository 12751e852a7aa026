// Package forecast keeps the estimates of running flows current: some time after a flow was
// written here, and again when its estimate has been reached, it is estimated anew, and
// what is new is recorded like any other observation. It must not estimate by itself, nor
// write past the recorder.
//
// It works for the flows that this replica writes, and for each of them at most once in a
// while, however often it is written.
package forecast

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
	"github.com/openova-io/provflow/service/timeline"
)

// Estimator says what remains of a running flow; of any other nothing is known. NotFound
// where there is no such flow.
type Estimator interface {
	Estimate(ctx context.Context, flowID string) (timeline.Estimate, error)
}

// Recorder stores what is observed.
type Recorder interface {
	Record(ctx context.Context, flowID string, items []record.Item) (flow.Cursor, error)
}

const (
	delay   = time.Second      // from a write to the estimate
	every   = 10 * time.Second // between two estimates of a flow, at least
	timeout = 10 * time.Second // of one
)

// Options are what a keeper goes by; zero values choose the defaults.
type Options struct {
	Now    func() time.Time
	Logger *slog.Logger
}

// grain is what ends are rounded to, outwards.
const grain = 10 * time.Second

// Keeper estimates flows. Announce may be called concurrently, also before Run.
type Keeper struct {
	estimator Estimator
	options   Options
	wake      chan struct{} // size 1

	mu    sync.Mutex
	flows map[string]*watched
}

// watched is a flow that was written here lately.
type watched struct {
	due  time.Time // zero: not before it is written again
	last time.Time // when it was estimated; zero: never
	told flow.Estimate
}

// New makes a keeper.
func New(e Estimator, o Options) *Keeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return &Keeper{estimator: e, options: o, wake: make(chan struct{}, 1), flows: map[string]*watched{}}
}

// Announce says that a flow was written here. It does not block.
func (k *Keeper) Announce(flowID string) {
	k.mu.Lock()
	w := k.flows[flowID]
	if w == nil {
		w = &watched{}
		k.flows[flowID] = w
	}
	if due := later(k.options.Now().Add(delay), w.last.Add(every)); w.due.IsZero() || due.Before(w.due) {
		w.due = due
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Run estimates what is due until ctx ends.
func (k *Keeper) Run(ctx context.Context, r Recorder) error {
	for ctx.Err() == nil {
		due, next := k.due()
		for _, id := range due {
			k.estimate(ctx, r, id)
		}
		if len(due) > 0 {
			continue
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// due takes the flows that are due, and says when the next one will be.
func (k *Keeper) due() (ids []string, next time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.options.Now()
	next = time.Hour
	for _, id := range slices.Sorted(maps.Keys(k.flows)) {
		w := k.flows[id]
		switch wait := w.due.Sub(now); {
		case w.due.IsZero():
		case wait <= 0:
			w.due, w.last = time.Time{}, now
			ids = append(ids, id)
		default:
			next = min(next, wait)
		}
	}
	return ids, next
}

// estimate finds out about one flow, and has it recorded where it runs. What goes wrong is
// tried again; what has ended is forgotten.
func (k *Keeper) estimate(ctx context.Context, r Recorder, id string) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	e, err := k.estimator.Estimate(ctx, id)
	now := k.options.Now()
	found := rounded(e, now)
	if err == nil && found != k.told(id) {
		_, err = r.Record(ctx, id, []record.Item{{Observation: bridge.Estimated{Estimate: found}, OfExisting: true}})
	}
	switch {
	case flow.CodeOf(err) == flow.NotFound, err == nil && !found.Known():
		k.forget(id)
	case err != nil:
		if ctx.Err() == nil {
			k.options.Logger.Warn("estimating a flow's end; it will be tried again", "flow", id, "error", err)
		}
		k.look(id, now.Add(every), flow.Estimate{})
	default:
		k.look(id, later(found.Earliest, now.Add(3*every)), found) // it may not have come true
	}
}

// told is what was recorded of a flow here last.
func (k *Keeper) told(id string) flow.Estimate {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.flows[id].told
}

// look has a flow estimated then, unless it is to be sooner, and notes what was told of it.
func (k *Keeper) look(id string, at time.Time, told flow.Estimate) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.flows[id]
	w.told = told
	if w.due.IsZero() || at.Before(w.due) {
		w.due = at
	}
}

// forget drops a flow, unless it was written meanwhile.
func (k *Keeper) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.flows[id]; w != nil && w.due.IsZero() {
		delete(k.flows, id)
	}
}

// rounded gives the moments between which the end lies, in numbers that do not pretend
// to know better.
func rounded(e timeline.Estimate, now time.Time) flow.Estimate {
	if !e.Flow.Known {
		return flow.Estimate{}
	}
	return flow.Estimate{
		Earliest: now.Add(e.Flow.Low).Truncate(grain).UTC(),
		Latest:   now.Add(e.Flow.High + grain - 1).Truncate(grain).UTC(),
		Runs:     e.Runs,
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

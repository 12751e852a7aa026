package forecast_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/forecast"
	"github.com/openova-io/provflow/service/record"
	"github.com/openova-io/provflow/service/timeline"
)

// oracle says that a flow ends at a moment, give or take a minute; the zero time: not known.
type oracle struct {
	ends  time.Time
	err   error
	asked []time.Duration // when, from the beginning
	begun time.Time
}

func (o *oracle) Estimate(context.Context, string) (timeline.Estimate, error) {
	o.asked = append(o.asked, time.Since(o.begun))
	left := time.Until(o.ends)
	return timeline.Estimate{Runs: 4, Flow: timeline.Remaining{
		Low: max(left-time.Minute, 0), High: max(left+time.Minute, 0), Known: !o.ends.IsZero(),
	}}, o.err
}

// book keeps what is recorded.
type book struct {
	told []flow.Estimate
	err  error
}

func (b *book) Record(_ context.Context, _ string, items []record.Item) (flow.Cursor, error) {
	if b.err == nil && items[0].OfExisting {
		b.told = append(b.told, items[0].Observation.(bridge.Estimated).Estimate)
	}
	return flow.Cursor{}, b.err
}

// during runs a keeper in a time of its own while what is given happens.
func during(t *testing.T, o *oracle, b *book, happens func(k *forecast.Keeper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.begun = time.Now()
		if !o.ends.IsZero() {
			o.ends = o.begun.Add(20 * time.Minute)
		}
		k := forecast.New(o, forecast.Options{Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx, b) }()
		happens(k)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

var some = time.Unix(1, 0)

// However often a flow is written, it is estimated once in ten seconds, and what is told
// stays the same while the end does.
func TestAnEstimateIsToldOnce(t *testing.T) {
	t.Parallel()
	o, b := &oracle{ends: some}, &book{}
	during(t, o, b, func(k *forecast.Keeper) {
		for range 200 {
			k.Announce("f")
			time.Sleep(100 * time.Millisecond)
		}
	})
	if len(o.asked) != 2 || o.asked[0] != time.Second || o.asked[1] != 11*time.Second || len(b.told) != 1 {
		t.Fatalf("asked at %v, told %v", o.asked, b.told)
	}
	e := b.told[0]
	if e.Runs != 4 || e.Earliest.Sub(o.begun).Round(time.Second) != 19*time.Minute || e.Latest.Sub(o.begun).Round(time.Second) != 21*time.Minute {
		t.Errorf("told %+v", e)
	}
}

// Nobody writes, and the flow does not end when it was to end: it is looked at again.
func TestAnEstimateThatDidNotComeTrue(t *testing.T) {
	t.Parallel()
	o, b := &oracle{ends: some}, &book{}
	during(t, o, b, func(k *forecast.Keeper) {
		k.Announce("f")
		time.Sleep(18 * time.Minute)
		if len(o.asked) != 1 {
			t.Errorf("asked at %v", o.asked)
		}
		o.ends = o.begun.Add(40 * time.Minute)
		time.Sleep(2 * time.Minute)
	})
	if len(o.asked) != 2 || len(b.told) != 2 || b.told[1].Latest.Sub(o.begun).Round(time.Second) != 41*time.Minute {
		t.Errorf("asked at %v, told %v", o.asked, b.told)
	}
}

// Of what is gone or has ended nothing is kept; what failed is tried again.
func TestWhatIsNotEstimated(t *testing.T) {
	t.Parallel()
	wait := func(k *forecast.Keeper) {
		k.Announce("f")
		time.Sleep(time.Hour)
	}
	ended, gone := &oracle{}, &oracle{ends: some, err: flow.NotFoundf("flow-not-found", "gone")}
	deleted, broken := &oracle{ends: some}, &oracle{ends: some, err: errors.New("no luck")}
	nothing := &book{}
	during(t, ended, nothing, wait)
	during(t, gone, nothing, wait)
	during(t, deleted, &book{err: flow.NotFoundf("flow-not-found", "gone")}, wait)
	during(t, broken, nothing, wait)
	if len(ended.asked) != 1 || len(gone.asked) != 1 || len(deleted.asked) != 1 || len(broken.asked) < 300 || len(nothing.told) != 0 {
		t.Errorf("asked %d, %d, %d and %d times, told %v", len(ended.asked), len(gone.asked), len(deleted.asked), len(broken.asked), nothing.told)
	}
}

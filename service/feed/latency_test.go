package feed_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// ticking is a clock that goes on by a second each time it is read.
func ticking() func() time.Time {
	var n atomic.Int64
	return func() time.Time { return time.Unix(n.Add(1), 0) }
}

func TestOnFrameIsToldHowLongAWaitingSubscriberWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []time.Duration
		st, hub := setup(t, feed.Options{Now: ticking(), OnFrame: func(d time.Duration) { told = append(told, d) }})
		c := open(t, hub, st, "f", put(st, "f", "a", flow.Running))
		late := open(t, hub, st, "f", flow.NoCursor)
		only(t, late.next(func(int) int { return 0 }), flow.TypeSnapshot)

		got := make(chan feed.Batch)
		go func() {
			b, _ := c.sub.Next(t.Context())
			got <- b
		}()
		synctest.Wait()
		put(st, "f", "b", flow.Running)
		hub.Wake("f")
		<-got
		synctest.Wait()
		if len(told) != 1 || told[0] != time.Second {
			t.Errorf("told %v, want one second: the clock was read at the wake and at the frame", told)
		}

		// Who was not waiting is served as fast as it asks.
		if b, err := late.sub.Next(t.Context()); err != nil || len(b.Frames) == 0 || len(told) != 1 {
			t.Errorf("got %v, %v; told %v", b, err, told)
		}
	})
}

package helmwatch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// clerk notes what it is given, is away at first, and refuses one message for itself.
type clerk struct {
	mu      sync.Mutex
	away    int // how many calls it is
	refuses string
	texts   []string
	calls   int
}

func (c *clerk) Record(_ context.Context, _ string, items []record.Item) (flow.Cursor, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls++; c.calls <= c.away {
		return flow.NoCursor, &flow.Error{Code: flow.Unavailable}
	}
	var texts []string
	for _, i := range items {
		text := i.Observation.(bridge.Event).Message
		if text == c.refuses {
			return flow.NoCursor, &flow.Error{Code: flow.Internal}
		}
		texts = append(texts, text)
	}
	c.texts = append(c.texts, texts...)
	return flow.Cursor{}, nil
}

// write has a writer write the texts, and gives those of which it said that they are stored.
func write(t *testing.T, c *clerk, texts ...string) (stored []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{Recorder: c, Logger: slog.New(slog.DiscardHandler)}).idle(nobody).newWriter(func(error) {})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.run(ctx) })
		for _, text := range texts {
			w.put(ctx, entry{item: record.Item{Observation: bridge.Event{Message: text}}, then: func() { stored = append(stored, text) }})
		}
		time.Sleep(time.Minute)
		cancel()
		running.Wait()
	})
	return stored
}

func TestWhatIsSeenWhileTheDatabaseIsAwayIsWrittenLater(t *testing.T) {
	t.Parallel()
	c := &clerk{away: 5}
	want := []string{"a", "b", "c", "d"}
	if stored := write(t, c, want...); !slices.Equal(c.texts, want) || !slices.Equal(stored, want) {
		t.Errorf("written %q, stored %q", c.texts, stored)
	}
}

func TestWhatIsRefusedForItselfHoldsUpNothing(t *testing.T) {
	t.Parallel()
	c := &clerk{refuses: "b"}
	want := []string{"a", "c", "d"}
	if stored := write(t, c, "a", "b", "c", "d"); !slices.Equal(c.texts, want) || !slices.Equal(stored, want) {
		t.Errorf("written %q, stored %q", c.texts, stored)
	}
}

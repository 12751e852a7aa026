package backoff_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/backoff"
)

// However often it fails, the pause is within its doubling span and never over the cap.
func TestAPauseGrowsUpToItsCap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		least := time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "least"))
		most := least * time.Duration(rapid.Int64Range(1, 1000).Draw(t, "times"))
		b := backoff.Backoff{Least: least, Most: most}
		whole := least
		for n := range rapid.IntRange(1, 80).Draw(t, "failures") {
			if d := b.Next(); d < whole/2 || d > whole {
				t.Fatalf("pause %d is %v, of %v", n, d, whole)
			}
			if whole = min(2*whole, most); b.Failures() != n+1 {
				t.Fatalf("%d failures were counted, want %d", b.Failures(), n+1)
			}
		}
		b.Reset()
		if d := b.Next(); d > least || b.Failures() != 1 {
			t.Fatalf("after a success %v, want at most %v", d, least)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	backoff.Wait(ctx, time.Hour)
	backoff.Wait(t.Context(), time.Nanosecond)
}

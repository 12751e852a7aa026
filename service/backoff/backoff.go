// Package backoff says how long to wait before something that failed is tried again, and
// waits. It does not know what is tried, and tries nothing itself.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is a growing, jittered pause that never exceeds its cap. It is for one goroutine.
type Backoff struct {
	Least, Most time.Duration
	failures    int
}

// Next counts a failure and gives the pause after it: between a half and the whole of what
// doubles from Least up to Most.
func (b *Backoff) Next() time.Duration {
	d := b.Most
	if b.failures < 16 { // so that nothing is shifted out
		d = min(b.Least<<b.failures, b.Most)
	}
	b.failures++
	return d/2 + rand.N(max(d/2, 1))
}

// Failures is how many there have been since the last success.
func (b *Backoff) Failures() int { return b.failures }

// Reset is for a success: the next pause is a short one.
func (b *Backoff) Reset() { b.failures = 0 }

// Wait waits for a while, or until ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

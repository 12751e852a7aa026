package listen

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	leastRetry = 50 * time.Millisecond
	mostRetry  = time.Second
)

// backoff is a growing, jittered pause that never exceeds its cap.
type backoff struct {
	least, most time.Duration
	failures    int
}

func (b *backoff) next() time.Duration {
	d := b.most
	if b.failures < 16 {
		d = min(b.least<<b.failures, b.most)
	}
	b.failures++
	return d/2 + rand.N(max(d/2, 1))
}

func (b *backoff) reset() { b.failures = 0 }

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func orDefault(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

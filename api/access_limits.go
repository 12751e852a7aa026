package api

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how many requests are taken; the zero value is any number.
type Rate struct {
	PerSecond float64
	Burst     int
}

// sweepEvery is how often buckets that are full again are forgotten.
const sweepEvery = time.Minute

// buckets limit requests by key.
type buckets struct {
	rate Rate
	now  func() time.Time

	mu    sync.Mutex
	of    map[string]*rate.Limiter
	swept time.Time
}

func newBuckets(r Rate, now func() time.Time) *buckets {
	if now == nil {
		now = time.Now
	}
	return &buckets{rate: r, now: now, of: map[string]*rate.Limiter{}}
}

// take counts a request, or says when the next one is taken.
func (b *buckets) take(key string) error {
	if b.rate.PerSecond <= 0 {
		return nil
	}
	now := b.now()
	r := b.limiter(key, now).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	r.CancelAt(now)
	return tooMany(wait)
}

// left is take without counting.
func (b *buckets) left(key string) error {
	if b.rate.PerSecond <= 0 {
		return nil
	}
	now := b.now()
	if b.limiter(key, now).TokensAt(now) >= 1 {
		return nil
	}
	return tooMany(time.Duration(float64(time.Second) / b.rate.PerSecond))
}

func tooMany(wait time.Duration) error {
	return &denial{status: http.StatusTooManyRequests, wait: wait, answer: errorAnswer{
		Error: "too-many-requests", Detail: "too many requests; wait as long as Retry-After says, or send more in one",
	}}
}

func (b *buckets) limiter(key string, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.swept) > sweepEvery {
		b.swept = now
		for k, l := range b.of {
			if l.TokensAt(now) >= float64(b.rate.Burst) {
				delete(b.of, k)
			}
		}
	}
	l := b.of[key]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(b.rate.PerSecond), max(b.rate.Burst, 1))
		b.of[key] = l
	}
	return l
}

// counter limits how many things one key has open.
type counter struct {
	most int // 0: any number
	mu   sync.Mutex
	of   map[string]int
}

func newCounter(most int) *counter { return &counter{most: most, of: map[string]int{}} }

// open counts one more, or refuses it.
func (c *counter) open(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.most > 0 && c.of[key] >= c.most {
		return false
	}
	c.of[key]++
	return true
}

func (c *counter) close(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[key]--; c.of[key] <= 0 {
		delete(c.of, key)
	}
}

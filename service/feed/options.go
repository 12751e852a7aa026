package feed

import (
	"cmp"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	// pollTimeout bounds the small read of a poll, and every read while the database is away.
	pollTimeout = 2 * time.Second
	// readTimeout bounds a read of changes or of a whole flow.
	readTimeout = 10 * time.Second
)

// Options tune a hub. The zero value of each field gives its default.
type Options struct {
	// PollInterval is how often the versions of all watched flows are compared, ±25 %.
	// It bounds how late a change arrives when its wake was lost. Default 1 s.
	PollInterval time.Duration
	// Coalesce is the least time between two reads of one flow's changes; the first
	// wake after a pause is answered at once. Default 10 ms, negative for none.
	Coalesce time.Duration
	// Linger is how long a topic outlives its last subscriber, so that clients that
	// reconnect find it warm. Default 10 s, negative for none.
	Linger time.Duration
	// RetryMin and RetryMax bound the pause before a failed read is made again.
	// Defaults 50 ms and 1 s.
	RetryMin, RetryMax time.Duration
	// RingSegments and RingBytes bound what is kept rendered per topic; a subscriber
	// behind that is served by a read. Defaults 64 and 256 KiB.
	RingSegments, RingBytes int
	// SnapshotBytes bounds the rendered snapshots of all flows together. Default 64 MiB.
	SnapshotBytes int
	// OnFrame is told how long a change took from the moment at which this replica learned
	// of it to the moment at which a subscriber that was waiting for it was given it. It is
	// called concurrently and must not block. Default: nobody is told.
	OnFrame func(latency time.Duration)
	Now     func() time.Time
	Logger  *slog.Logger
}

func (o Options) withDefaults() Options {
	o.PollInterval = cmp.Or(o.PollInterval, time.Second)
	o.Coalesce = cmp.Or(o.Coalesce, 10*time.Millisecond)
	o.Linger = cmp.Or(o.Linger, 10*time.Second)
	o.RetryMin = cmp.Or(o.RetryMin, 50*time.Millisecond)
	o.RetryMax = cmp.Or(o.RetryMax, time.Second)
	o.RingSegments = cmp.Or(o.RingSegments, 64)
	o.RingBytes = cmp.Or(o.RingBytes, 256<<10)
	o.SnapshotBytes = cmp.Or(o.SnapshotBytes, 64<<20)
	if o.OnFrame == nil {
		o.OnFrame = func(time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return o
}

// jittered spreads a duration by ±25 %, so that replicas do not step in time.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(max(d/2, 1))
}

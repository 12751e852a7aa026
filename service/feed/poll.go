package feed

import (
	"context"
	"time"

	"github.com/openova-io/provflow/service/backoff"
	"github.com/openova-io/provflow/service/flow"
)

// patience is how many polls in a row may fail before subscribers are told: a
// connection that broke is replaced by the next one.
const patience = 2

// poll compares the versions of all watched flows, again and again: the guarantee
// behind the wakes.
func (h *Hub) poll(ctx context.Context) {
	retry := backoff.Backoff{Least: h.opts.RetryMin, Most: h.opts.RetryMax}
	var since time.Time
	pause := jittered(h.opts.PollInterval)
	for h.rest(ctx, pause) {
		pause = jittered(h.opts.PollInterval)
		err := h.compare(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			retry.Reset()
			continue
		}
		if retry.Failures() == 0 {
			since = h.opts.Now()
		}
		pause = min(retry.Next(), pause)
		if retry.Failures() >= patience && h.health.set(true, since) {
			h.opts.Logger.Error("the database is away; subscribers keep what they have", "error", err)
		}
	}
}

// rest waits for the next poll: its time, or somebody's suspicion.
func (h *Hub) rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-h.kick:
	}
	return true
}

func (h *Hub) compare(ctx context.Context) error {
	topics := h.all()
	current, err := h.currentCursors(ctx, topics)
	if err != nil {
		return err
	}
	if h.health.set(false, time.Time{}) {
		h.opts.Logger.Info("the database is back")
	}
	var behind int64
	for _, t := range topics {
		c, exists := current[t.id]
		behind = max(behind, t.compare(c, exists))
	}
	h.counts.behind.Store(behind)
	return nil
}

// currentCursors asks nothing when nobody watches anything, unless the database is
// away: then it asks to learn that it is back.
func (h *Hub) currentCursors(ctx context.Context, topics []*topic) (map[string]flow.Cursor, error) {
	if down, _, _ := h.health.state(); len(topics) == 0 && !down {
		return nil, nil
	}
	ids := make([]string, len(topics))
	for i, t := range topics {
		ids[i] = t.id
	}
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	h.counts.polls.Add(1)
	return h.reader.Cursors(ctx, ids)
}

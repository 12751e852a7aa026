package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/openova-io/provflow/service/timeline"
	"github.com/openova-io/provflow/service/upkeep"
)

// daysAhead is how many days of log partitions are made before they are needed.
const daysAhead = 7

// pruned is how many rows are forgotten at once.
const pruned = 1000

// retentionFlags say how long what has ended, and what is only of use for a while, is kept.
type retentionFlags struct {
	LogRetention  retention `env:"PROVFLOW_LOG_RETENTION" placeholder:"TIME" help:"How long log lines are kept, by the day their execution began, such as 30d; none: as long as their flow."`
	FlowRetention retention `env:"PROVFLOW_FLOW_RETENTION" placeholder:"TIME" help:"How long a flow is kept after its end, such as 365d; none: until it is deleted."`
	KeyRetention  retention `env:"PROVFLOW_KEY_RETENTION" default:"7d" placeholder:"TIME" help:"How long a write is recognised when it is sent again (${default})."`
	GoneRetention retention `env:"PROVFLOW_GONE_RETENTION" default:"1d" placeholder:"TIME" help:"For how long a stream that resumes is told what was removed (${default}); later it begins with a snapshot."`
}

// retention is for how long something is kept; 0 is for ever.
type retention time.Duration

// UnmarshalText reads days (30d), or hours as Go writes them (720h).
func (r *retention) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16) // more would not fit a Duration
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < time.Hour {
		return fmt.Errorf("%q is no time from 1h to 65535d, such as 30d; --help says what leaving it out means", text)
	}
	*r = retention(d)
	return nil
}

// before is the moment up to which things are old.
func (r retention) before(now time.Time) time.Time { return now.Add(-time.Duration(r)) }

// keeper does what must be done again and again. All of it bears being done by several
// replicas at once, and being put off: lines without a partition of their day are kept in
// the default one.
func (p *parts) keeper() *upkeep.Keeper {
	tasks := []upkeep.Task{{Name: "log partitions made", Do: func(ctx context.Context, now time.Time) (int, error) {
		return p.store.EnsureLogPartitions(ctx, now, daysAhead)
	}}}
	if keep := p.retention.LogRetention; keep > 0 {
		tasks = append(tasks, upkeep.Task{Name: "old log lines removed", Do: func(ctx context.Context, now time.Time) (int, error) {
			return p.store.ExpireLogs(ctx, keep.before(now))
		}})
	}
	if keep := p.retention.KeyRetention; keep > 0 {
		tasks = append(tasks, upkeep.Task{Name: "keys of old writes forgotten", Do: func(ctx context.Context, now time.Time) (int, error) {
			return p.store.PruneKeys(ctx, keep.before(now), pruned)
		}})
	}
	if keep := p.retention.GoneRetention; keep > 0 {
		tasks = append(tasks, upkeep.Task{Name: "old removals forgotten", Do: func(ctx context.Context, now time.Time) (int, error) {
			return p.store.PruneTombstones(ctx, keep.before(now), pruned)
		}})
	}
	return upkeep.New(upkeep.Options{Logger: p.log}, tasks...)
}

// endedEvery is how soon after its end a flow's timeline is kept. Until then whoever asks for
// it has it computed.
const endedEvery = 5 * time.Second

// endedKeeper deals with flows that have ended. One is not removed before what is asked of it
// is kept, and one that another replica is just dealing with is seen to in the next round.
func (p *parts) endedKeeper() *upkeep.Keeper {
	tasks := []upkeep.Task{{Name: "timelines kept", Do: timeline.Keeper{Store: p.store}.Keep}}
	if keep := p.retention.FlowRetention; keep > 0 {
		tasks = append(tasks, upkeep.Task{Name: "old flows removed", Do: func(ctx context.Context, now time.Time) (int, error) {
			return p.expireFlow(ctx, keep.before(now))
		}})
	}
	return upkeep.New(upkeep.Options{Every: endedEvery, Logger: p.log}, tasks...)
}

// expireFlow removes one flow and ends its streams, as its deletion would.
func (p *parts) expireFlow(ctx context.Context, endedBefore time.Time) (int, error) {
	id, err := p.store.ExpireFlow(ctx, endedBefore)
	if err != nil || id == "" {
		return 0, err
	}
	announcer{p.hub, p.notifier}.Announce(id)
	return 1, nil
}

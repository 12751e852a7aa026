// Package upkeep does, again and again and in small pieces, what keeps a store ready and
// of bounded size: making room ahead of time, forgetting what is old. It must not decide
// what is old, and knows neither the store nor the tables; it is given tasks and a clock.
//
// Every replica runs it. A task's pieces therefore have to bear being done by several at
// once, and that somebody else was faster.
package upkeep

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Task is one kind of upkeep.
type Task struct {
	Name string // for the log, such as "expired flows"
	// Do does one bounded piece as of that moment and says how many things it dealt with;
	// 0 says that nothing is left. It is called until then, and once more in the next round
	// where it fails.
	Do func(ctx context.Context, now time.Time) (int, error)
}

// Options bound the work; zero values choose the defaults.
type Options struct {
	Every   time.Duration // between two rounds, give or take a tenth: 1 h
	Timeout time.Duration // of one piece: 1 min
	Now     func() time.Time
	Logger  *slog.Logger
}

// Keeper runs tasks.
type Keeper struct {
	tasks   []Task
	options Options
}

// New makes a keeper of those tasks, which are run in that order.
func New(o Options, tasks ...Task) *Keeper {
	if o.Every <= 0 {
		o.Every = time.Hour
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return &Keeper{tasks, o}
}

// Run does a round at once and then again and again, until ctx ends. Replicas that were
// started together do not stay together.
func (k *Keeper) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		k.Round(ctx)
		pause := time.NewTimer(k.options.Every + rand.N(k.options.Every/5+1) - k.options.Every/10)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
	return nil
}

// Round does every task until nothing is left of it. One that fails holds up no other.
func (k *Keeper) Round(ctx context.Context) {
	for _, t := range k.tasks {
		done, err := k.all(ctx, t)
		if err != nil && ctx.Err() == nil {
			k.options.Logger.Warn("upkeep failed; it will be tried again", "task", t.Name, "done", done, "error", err)
		} else if done > 0 {
			k.options.Logger.Info("upkeep", "task", t.Name, "done", done)
		}
	}
}

func (k *Keeper) all(ctx context.Context, t Task) (done int, err error) {
	now := k.options.Now()
	for ctx.Err() == nil {
		n, err := k.piece(ctx, t, now)
		if done += n; n == 0 || err != nil {
			return done, err
		}
	}
	return done, ctx.Err()
}

func (k *Keeper) piece(ctx context.Context, t Task, now time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, k.options.Timeout)
	defer cancel()
	return t.Do(ctx, now)
}

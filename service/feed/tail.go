package feed

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/openova-io/provflow/service/flow"
)

// TailReader is what following logs needs of the store. It is called concurrently. Every
// error that is not flow.NotFound is taken as passing and the call is made again.
type TailReader interface {
	// LogPage gives up to limit lines from that number on, in order, and how far the log
	// goes: all lines up to Total are there. Asked for lines that are not there yet it
	// gives none. flow.NotFound when there is no such execution.
	LogPage(ctx context.Context, executionID string, from int64, limit int) (flow.LogPage, error)
}

// tailTimeout bounds one read of a log.
const tailTimeout = 5 * time.Second

// TailOptions tune how logs are followed. The zero value of each field gives its default.
type TailOptions struct {
	// PollInterval is how often a followed log is looked at, ±25 %. Default 250 ms.
	PollInterval time.Duration
	// RetryMax bounds the pause before a failed read is made again. Default 1 s.
	RetryMax time.Duration
	// Settle is how long the log of an execution that has just finished must be silent
	// before it is taken to have ended: a controller's last lines come after it. Default 1 s.
	Settle time.Duration
	// PageLines is how many lines one read gives at most. Default 200.
	PageLines int
	// KeepBytes bounds the lines kept rendered for each log, and those that a follower is
	// given in one go. Default 256 KiB.
	KeepBytes int
	Now       func() time.Time
	Logger    *slog.Logger
}

func (o TailOptions) withDefaults() TailOptions {
	o.PollInterval = cmp.Or(o.PollInterval, 250*time.Millisecond)
	o.RetryMax = cmp.Or(o.RetryMax, time.Second)
	o.Settle = cmp.Or(o.Settle, time.Second)
	o.PageLines = cmp.Or(o.PageLines, 200)
	o.KeepBytes = cmp.Or(o.KeepBytes, 256<<10)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return o
}

// Tails follows the logs of executions: one poll for each log that somebody follows,
// and one read for all who need the same lines. All methods may be called concurrently.
//
// Lines are numbered from 1 and never change, so a follower is nothing but the number it
// is to get next. There is no queue for it: one that is behind what is kept reads on
// from where it stands, at its own pace, together with others who stand there.
type Tails struct {
	watched[*tail]
	reader TailReader
	opts   TailOptions
}

// NewTails makes a Tails. It serves at once.
func NewTails(reader TailReader, opts TailOptions) *Tails {
	return &Tails{watched: newWatched[*tail](), reader: reader, opts: opts.withDefaults()}
}

// Run waits for ctx to end, then ends every follower with ErrStopped and waits for all
// goroutines. It runs once.
func (s *Tails) Run(ctx context.Context) error {
	<-ctx.Done()
	s.end()
	return nil
}

// Follow gives the lines of an execution from that number on, and then those that come.
//
// flow.NotFound when there is no such execution; flow.Unavailable when the database is
// away and nothing is known of it.
func (s *Tails) Follow(ctx context.Context, executionID string, from int64) (*Follower, error) {
	t, err := s.acquire(executionID, func() *tail { return newTail(s, executionID) })
	if err != nil {
		return nil, err
	}
	if err := t.admit(ctx); err != nil {
		s.release(t)
		return nil, err
	}
	return &Follower{tail: t, at: max(from, 1)}, nil
}

// Resume is Follow for who has all lines up to that number. A number that the log has
// not reached is of another life of it: such a follower gets everything.
func (s *Tails) Resume(ctx context.Context, executionID string, last int64) (*Follower, error) {
	f, err := s.Follow(ctx, executionID, last+1)
	if err != nil || last <= f.tail.reached() {
		return f, err
	}
	// The follower may come from a replica that has looked later than this one.
	if now, _, err := f.tail.read(last); err == nil && last > now.Total {
		f.at = 1
	}
	return f, nil
}

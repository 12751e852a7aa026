package listen

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/service/backoff"
)

// Execer runs one statement; a *pgxpool.Pool is one.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Notifier announces flows that have changed: the first at once, those that come within
// a window after it together. What it could not announce it keeps, each flow once, and
// announces it later.
type Notifier struct {
	opts    NotifierOptions
	wake    chan struct{} // size 1
	mu      sync.Mutex
	pending map[string]struct{}
}

// NotifierOptions say where to announce. DB and Channel are needed, the rest has defaults.
type NotifierOptions struct {
	DB      Execer
	Channel string
	// Window is the least time between two statements. Default 20 ms.
	Window time.Duration
	// Timeout bounds a statement. Default 2 s.
	Timeout time.Duration
	// RetryMin and RetryMax bound the pause after a failure. Defaults 50 ms and 1 s.
	RetryMin, RetryMax time.Duration
	Logger             *slog.Logger
}

// maxPayload is what NOTIFY takes, in bytes.
const maxPayload = 7999

// announceSQL waits for no disk and no standby: a commit that notifies writes to the log,
// but a hint need not survive anything.
const announceSQL = `SELECT pg_notify($1, id) FROM unnest($2::text[]) AS id, set_config('synchronous_commit', 'off', true)`

// NewNotifier makes a notifier; nothing is announced before Run.
func NewNotifier(opts NotifierOptions) *Notifier {
	opts.Window = cmp.Or(opts.Window, 20*time.Millisecond)
	opts.Timeout = cmp.Or(opts.Timeout, 2*time.Second)
	opts.RetryMin = cmp.Or(opts.RetryMin, leastRetry)
	opts.RetryMax = cmp.Or(opts.RetryMax, mostRetry)
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	return &Notifier{opts: opts, wake: make(chan struct{}, 1), pending: map[string]struct{}{}}
}

// Announce notes that a flow has changed; call it after the commit. It never blocks.
func (n *Notifier) Announce(flowID string) {
	// One text that the server refuses would hold up all others for ever.
	if len(flowID) > maxPayload || !utf8.ValidString(flowID) || strings.ContainsRune(flowID, 0) {
		return
	}
	n.mu.Lock()
	n.pending[flowID] = struct{}{}
	n.mu.Unlock()
	n.ring()
}

// Pending is how many flows are still to be announced, for metrics.
func (n *Notifier) Pending() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.pending)
}

func (n *Notifier) ring() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run announces until ctx ends, and then once more what is left.
func (n *Notifier) Run(ctx context.Context) error {
	retry := backoff.Backoff{Least: n.opts.RetryMin, Most: n.opts.RetryMax}
	for {
		select {
		case <-ctx.Done():
			// A hint is not worth a failed stop.
			if err := n.send(context.WithoutCancel(ctx)); err != nil {
				n.note(&retry, err)
			}
			return nil
		case <-n.wake:
		}
		// Not ctx: a statement that was cut off may have been carried out or not.
		if err := n.send(context.WithoutCancel(ctx)); err != nil {
			n.note(&retry, err)
			backoff.Wait(ctx, retry.Next())
			n.ring()
			continue
		}
		retry.Reset()
		backoff.Wait(ctx, n.opts.Window)
	}
}

// note logs the first failure of a row.
func (n *Notifier) note(retry *backoff.Backoff, err error) {
	if retry.Failures() == 0 {
		n.opts.Logger.Warn("announcing changed flows failed; the other replicas' polls find them", "error", err)
	}
}

func (n *Notifier) send(ctx context.Context) error {
	ids := n.take()
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.opts.Timeout)
	defer cancel()
	_, err := n.opts.DB.Exec(ctx, announceSQL, n.opts.Channel, ids)
	if err != nil {
		n.putBack(ids)
	}
	return err
}

func (n *Notifier) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := slices.Collect(maps.Keys(n.pending))
	clear(n.pending)
	return ids
}

func (n *Notifier) putBack(ids []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range ids {
		n.pending[id] = struct{}{}
	}
}

package feed_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

// book is a store of one execution's log.
type book struct {
	mu     sync.Mutex
	away   bool
	owner  string         // whose execution it is
	lines  []flow.LogLine // nil: there is no such execution
	status flow.Status
	ended  time.Time
	reads  map[int64]int // how often lines from that number on were given
	looked sync.Cond     // on mu, with every read
	looks  int
}

func newBook(lines int) *book {
	b := &book{lines: []flow.LogLine{}, status: flow.Running, reads: map[int64]int{}}
	b.looked.L = &b.mu
	b.write(lines)
	return b
}

func (b *book) write(n int) {
	b.change(func() {
		for range n {
			i := int64(len(b.lines) + 1)
			b.lines = append(b.lines, flow.LogLine{Number: i, Level: "info", Message: fmt.Sprint("m", i)})
		}
	})
}

func (b *book) change(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}

// awaitLooks waits until the book was read n times more, begun after the call.
func (b *book) awaitLooks(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for until := b.looks + n; b.looks < until; {
		b.looked.Wait()
	}
}

// LogPage implements feed.TailReader.
func (b *book) LogPage(ctx context.Context, _ string, from int64, limit int) (flow.LogPage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	b.looked.Broadcast()
	switch {
	case b.away || ctx.Err() != nil:
		return flow.LogPage{}, errAway
	case b.lines == nil:
		return flow.LogPage{}, flow.NotFoundf("execution-not-found", "no such execution")
	}
	p := flow.LogPage{FlowID: b.owner, Status: b.status, FinishedAt: b.ended, Total: int64(len(b.lines)), Next: from}
	if from <= p.Total {
		p.Lines = b.lines[from-1 : min(p.Total, from-1+int64(limit))]
		p.Next = from + int64(len(p.Lines))
		b.reads[from]++
	}
	return p, nil
}

// tails runs a hub over a book.
func tails(t testing.TB, b *book, opts feed.TailOptions) *feed.Tails {
	t.Helper()
	if opts.PollInterval == 0 {
		opts.PollInterval = 2 * time.Millisecond
	}
	hub := feed.NewTails(b, opts)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return hub
}

package helmwatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/helmwatch/kubeconfig"
	"github.com/openova-io/provflow/service/record"
)

// office keeps one term as the database does, and takes what is written by it.
type office struct {
	mu      sync.Mutex
	term    int64
	holder  string
	expires time.Time
	away    error
	written []int64 // terms of the writes that were taken
}

func (o *office) TakeTerm(_ context.Context, key flow.WatchKey, holder string, lasts time.Duration) (flow.WatchTerm, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away != nil || time.Now().Before(o.expires) {
		return flow.WatchTerm{}, false, o.away
	}
	o.term, o.holder, o.expires = o.term+1, holder, time.Now().Add(lasts)
	return flow.WatchTerm{WatchKey: key, Term: o.term}, true, nil
}

func (o *office) RenewTerm(_ context.Context, t flow.WatchTerm, lasts time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away == nil && t.Term != o.term {
		return flow.ErrTermOver
	}
	if o.away == nil {
		o.expires = time.Now().Add(lasts)
	}
	return o.away
}

func (o *office) EndTerm(_ context.Context, t flow.WatchTerm) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t.Term == o.term {
		o.expires = time.Time{}
	}
	return o.away
}

func (o *office) Record(_ context.Context, _ string, items []record.Item) (flow.Cursor, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, i := range items {
		if i.Fence.Term != o.term {
			return flow.NoCursor, flow.ErrTermOver
		}
		o.written = append(o.written, i.Fence.Term)
	}
	return flow.Cursor{}, o.away
}

func (o *office) Jobs(context.Context, string, ...flow.Status) ([]flow.PlacedJob, error) {
	return nil, nil
}

func (o *office) change(do func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	do()
}

func (o *office) held() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Now().After(o.expires) {
		return ""
	}
	return o.holder
}

// nobody is a cluster whose API server refuses every connection.
var nobody = kubeconfig.Cluster{WatchKey: flow.WatchKey{FlowID: "d"}, Config: &rest.Config{Host: "http://127.0.0.1:1"}}

// replica watches nobody's cluster until it is told to stop; then waits until it has.
func replica(t *testing.T, o *office, name string) (stop func()) {
	t.Helper()
	w := New(Options{Recorder: o, Terms: o, Jobs: o, Holder: name, Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx, func(ctx context.Context, give func([]kubeconfig.Cluster)) error {
			give([]kubeconfig.Cluster{nobody})
			<-ctx.Done()
			return nil
		})
	}()
	return func() { cancel(); <-done }
}

// watchedByA is where a replica has the term until the test ends.
func watchedByA(t *testing.T) *office {
	t.Helper()
	o := &office{}
	t.Cleanup(replica(t, o, "a"))
	synctest.Wait()
	return o
}

func TestACleanStopGivesTheWatchUpAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &office{}
		stop := replica(t, o, "a")
		synctest.Wait()
		if o.held() != "a" {
			t.Fatalf("%q watches", o.held())
		}
		defer replica(t, o, "b")()
		time.Sleep(time.Minute)
		if o.held() != "a" {
			t.Errorf("%q has taken it from one who is alive", o.held())
		}
		stop()
		if o.held() != "" {
			t.Errorf("%q still has it", o.held())
		}
		time.Sleep(2 * time.Second)
		if o.held() != "b" {
			t.Errorf("%q watches", o.held())
		}
	})
}

func TestWhoLosesTheTermStopsAndWaitsForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := watchedByA(t)
		o.change(func() { o.term, o.holder, o.expires = 7, "other", time.Now().Add(time.Minute) })
		time.Sleep(50 * time.Second)
		if o.held() != "other" {
			t.Errorf("%q watches", o.held())
		}
		time.Sleep(15 * time.Second)
		if o.held() != "a" {
			t.Errorf("%q watches after the other has not been heard of", o.held())
		}
	})
}

func TestADatabaseThatIsAwayEndsNoWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := watchedByA(t)
		o.change(func() { o.away = &flow.Error{Code: flow.Unavailable} })
		time.Sleep(time.Hour)
		o.change(func() { o.away = nil })
		time.Sleep(3 * time.Second)
		o.change(func() {
			if o.term != 1 || time.Now().After(o.expires) {
				t.Errorf("it is term %d", o.term)
			}
		})
	})
}

func TestAWriteByATermThatIsOverEndsTheWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &office{term: 2}
		c := New(Options{Recorder: o, Terms: o, Logger: slog.New(slog.DiscardHandler)}).idle(nobody)
		ctx, end := context.WithCancelCause(t.Context())
		s := c.newSession(flow.WatchTerm{WatchKey: c.WatchKey, Term: 1}, end)
		go s.events.run(ctx)
		s.events.put(ctx, entry{item: s.item(Whole("watching", "", "", time.Now()), flow.Fingerprint{})})
		<-ctx.Done()
		if err := context.Cause(ctx); !errors.Is(err, flow.ErrTermOver) || len(o.written) != 0 {
			t.Errorf("%v; %d were written", err, len(o.written))
		}
	})
}

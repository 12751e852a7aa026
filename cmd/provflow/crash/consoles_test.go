//go:build crash

package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openova-io/provflow/api/console"
)

// consoles watch, each one flow, wherever they get it.
type consoles struct {
	all  []*watcher
	end  context.CancelFunc
	work sync.WaitGroup
}

// watcher is one console. It reconnects for ever, to any replica, with what it saw last.
type watcher struct {
	fleet  *fleet
	random *rand.Rand
	flow   string

	mu     sync.Mutex
	state  console.State
	wrong  []string
	hangUp context.CancelFunc
}

func (f *fleet) startConsoles(random *rand.Rand) *consoles {
	ctx, cancel := context.WithCancel(context.Background())
	cs := &consoles{end: cancel}
	for i := range *watchers {
		w := &watcher{fleet: f, flow: flowID(i % flows), random: rand.New(rand.NewPCG(random.Uint64(), 3))}
		cs.all = append(cs.all, w)
		cs.work.Go(func() { w.run(ctx) })
	}
	f.storm = func() {
		for _, w := range cs.all {
			w.mu.Lock()
			hangUp := w.hangUp
			w.mu.Unlock()
			if hangUp != nil {
				hangUp()
			}
		}
	}
	return cs
}

func (cs *consoles) stop() {
	cs.end()
	cs.work.Wait()
}

func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.watch(ctx)
		pause(w.random, 20*time.Millisecond, 200*time.Millisecond)
	}
}

// watch reads one stream to its end.
func (w *watcher) watch(ctx context.Context) {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	w.mu.Lock()
	w.hangUp = hangUp
	last := w.state.Cursor
	w.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.fleet.any(w.random).url("/api/v1/flows/"+w.flow+"/stream"), nil)
	if err != nil {
		panic(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.refused(res.StatusCode)
		return
	}
	_ = console.Read(res.Body, w.take)
}

// refused: a replica that has just been started while the database was away knows nothing
// of the flow, and may say so with 503. Nothing else is right.
func (w *watcher) refused(status int) {
	if status != http.StatusServiceUnavailable {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wrong = append(w.wrong, fmt.Sprintf("the stream of %s answered %d", w.flow, status))
	}
}

func (w *watcher) take(f console.Frame) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.state.Fold(f); err != nil {
		w.wrong = append(w.wrong, err.Error())
	}
	return true
}

// holds reports whether the console holds just that.
func (w *watcher) holds(want *console.State) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Cursor == want.Cursor && w.state.String() == want.String()
}

// converge waits until every console is right and gives how long after the end it was.
func (cs *consoles) converge(t *testing.T, want map[string]*console.State, ended time.Time) []time.Duration {
	t.Helper()
	took := make([]time.Duration, 0, len(cs.all))
	waiting := slices.Clone(cs.all)
	eventually(*within+time.Since(ended), func() bool {
		waiting = slices.DeleteFunc(waiting, func(w *watcher) bool {
			right := w.holds(want[w.flow])
			if right {
				took = append(took, time.Since(ended))
			}
			return right
		})
		return len(waiting) == 0
	})
	if n := len(waiting); n > 0 {
		t.Errorf("%d consoles are not right %s after the end; one holds %s, and the database has %s",
			n, time.Since(ended), waiting[0].state.Cursor, want[waiting[0].flow].Cursor)
	}
	slices.Sort(took)
	return took
}

func (cs *consoles) judge(t *testing.T) {
	t.Helper()
	var wrong []string
	for _, w := range cs.all {
		wrong = append(wrong, w.wrong...)
	}
	if len(wrong) > 0 {
		t.Errorf("%d frames or answers broke the contract, among them %v", len(wrong), wrong[:min(len(wrong), 5)])
	}
}

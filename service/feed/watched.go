package feed

import (
	"context"
	"sync"
)

// watched holds what subscribers share: for each id that somebody watches one thing, with a
// goroutine of its own. It owns these and all other goroutines that are begun for them.
type watched[T watchable] struct {
	ctx  context.Context // ends with end
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	byID   map[string]T
	work   sync.WaitGroup // grows under mu and only while not closed
}

// watchable is a topic or a tail.
type watchable interface {
	comparable
	held() *holding
	run()
}

// holding is what is known of a watchable thing here.
type holding struct {
	id    string
	wake  chan struct{} // size 1
	users int           // under watched.mu
}

func newHolding(id string) holding { return holding{id: id, wake: make(chan struct{}, 1)} }

func (h *holding) held() *holding { return h }

func newWatched[T watchable]() watched[T] {
	ctx, stop := context.WithCancel(context.Background())
	return watched[T]{ctx: ctx, stop: stop, byID: map[string]T{}}
}

// end lets nothing more begin, ends ctx, and waits for all goroutines.
func (w *watched[T]) end() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stop()
	w.work.Wait()
}

// acquire gives what stands for an id, made anew where there is nothing, to one more user.
func (w *watched[T]) acquire(id string, begin func() T) (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, there := w.byID[id]
	if w.closed {
		return t, stopped()
	}
	if !there {
		t = begin()
		w.byID[id] = t
		w.work.Go(t.run)
	}
	t.held().users++
	return t, nil
}

// release takes a user away, and wakes what has lost its last one.
func (w *watched[T]) release(t T) {
	w.mu.Lock()
	t.held().users--
	last := t.held().users == 0
	w.mu.Unlock()
	if last {
		signal(t.held().wake)
	}
}

// begin starts a goroutine that end waits for; false when that has come.
func (w *watched[T]) begin(do func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.work.Go(do)
	}
	return !w.closed
}

func (w *watched[T]) idle(t T) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return t.held().users == 0
}

// retire takes what nobody uses off the map; false when somebody came back.
func (w *watched[T]) retire(t T) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.held().users > 0 {
		return false
	}
	w.drop(t)
	return true
}

// forget takes what has ended off the map although it has users: who comes now looks afresh.
func (w *watched[T]) forget(t T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(t)
}

func (w *watched[T]) drop(t T) {
	if id := t.held().id; w.byID[id] == t {
		delete(w.byID, id)
	}
}

// find gives what stands for an id, where there is something.
func (w *watched[T]) find(id string) (t T, there bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, there = w.byID[id]
	return t, there
}

func (w *watched[T]) all() []T {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]T, 0, len(w.byID))
	for _, t := range w.byID {
		list = append(list, t)
	}
	return list
}

// signal fills a channel of size 1: who listens will look once more, however often it was called.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

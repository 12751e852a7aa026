package feed

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/openova-io/provflow/service/flow"
)

// cursorReads reads current cursors for snapshots. Each caller gets a read that began
// after it asked, so what it learns is not older than any write acknowledged before; all
// who ask while a read is under way share the next one.
type cursorReads struct {
	mu      sync.Mutex
	reading bool
	next    *cursorRead // gathers callers; nil until there is one
}

// cursorRead is one read; got and err are set once, before done is closed.
type cursorRead struct {
	ids  map[string]struct{}
	done chan struct{}
	got  map[string]flow.Cursor
	err  error
}

// current gives a flow's cursor; false when there is no such flow.
func (h *Hub) current(ctx context.Context, flowID string) (flow.Cursor, bool, error) {
	r, err := h.askCursor(flowID)
	if err != nil {
		return flow.NoCursor, false, err
	}
	select {
	case <-r.done:
		c, exists := r.got[flowID]
		return c, exists, r.err
	case <-ctx.Done():
		return flow.NoCursor, false, ctx.Err()
	}
}

func (h *Hub) askCursor(flowID string) (*cursorRead, error) {
	c := &h.cursors
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reading && !h.begin(h.readCursors) {
		return nil, stopped()
	}
	c.reading = true
	if c.next == nil {
		c.next = &cursorRead{ids: map[string]struct{}{}, done: make(chan struct{})}
	}
	c.next.ids[flowID] = struct{}{}
	return c.next, nil
}

// readCursors reads for as long as somebody asks.
func (h *Hub) readCursors() {
	for r := h.gather(); r != nil; r = h.gather() {
		ctx, cancel := h.reading()
		r.got, r.err = h.reader.Cursors(ctx, slices.Collect(maps.Keys(r.ids)))
		cancel()
		close(r.done)
	}
}

// gather lets those who are about to ask do so before the next read begins: the more
// share it, the less it costs each.
func (h *Hub) gather() *cursorRead {
	runtime.Gosched()
	return h.cursors.take()
}

// take begins the next read: nobody joins it any more.
func (c *cursorReads) take() *cursorRead {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.next
	c.next, c.reading = nil, r != nil
	return r
}

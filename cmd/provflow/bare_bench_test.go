package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// bareLoop is the least that shows a row to subscribers when it is committed: a connection
// that inserts and then notifies, one that listens, and a handler that writes the same
// bytes to everybody. It reads nothing back, resumes nothing and bounds nothing.
type bareLoop struct {
	address          string
	writer, listener *pgx.Conn
	n                int

	mu   sync.Mutex
	open map[chan []byte]struct{}
}

func newBareLoop(b *testing.B, dsn string) *bareLoop {
	b.Helper()
	connect := func(sql string) *pgx.Conn {
		conn, err := pgx.Connect(b.Context(), dsn)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close(context.Background()) })
		if _, err := conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
		return conn
	}
	l := &bareLoop{
		writer: connect(`CREATE TABLE bare_live (at timestamptz, message text)`), listener: connect(`LISTEN bare_live`),
		open: map[chan []byte]struct{}{},
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { l.run(ctx) })
	b.Cleanup(func() { cancel(); running.Wait() })
	l.address = serving(b, l)
	return l
}

// once commits a row, says so, and gives when it was committed.
func (l *bareLoop) once(b *testing.B) (committed int64) {
	b.Helper()
	ctx := context.Background()
	if _, err := l.writer.Exec(ctx, `INSERT INTO bare_live VALUES ($1, $2)`, noon, "Helm install of the chart went on"); err != nil {
		b.Fatal(err)
	}
	committed = time.Now().UnixNano()
	if _, err := l.writer.Exec(ctx, `SELECT pg_notify('bare_live', $1)`, "live"); err != nil {
		b.Fatal(err)
	}
	return committed
}

// bareFrame is about as long as the frames that show a component's change.
var bareFrame = strings.Repeat("x", 700)

func (l *bareLoop) run(ctx context.Context) {
	for {
		if _, err := l.listener.WaitForNotification(ctx); err != nil {
			return
		}
		l.mu.Lock()
		l.n++
		frame := fmt.Appendf(nil, "event: upsert-nodes\nid: %d\ndata: %s\n\n", l.n, bareFrame)
		for c := range l.open {
			c <- frame
		}
		l.mu.Unlock()
	}
}

// ServeHTTP begins with a frame, as the stream of a flow does with its snapshot.
func (l *bareLoop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := make(chan []byte, 16)
	l.mu.Lock()
	l.open[c] = struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.open, c)
		l.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write([]byte("event: snapshot\nid: 0\ndata: {}\n\n"))
	for {
		w.(http.Flusher).Flush()
		select {
		case frame := <-c:
			_, _ = w.Write(frame)
		case <-r.Context().Done():
			return
		}
	}
}

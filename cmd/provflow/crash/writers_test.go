//go:build crash

package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// writers send for as long as things are broken.
type writers struct {
	all     []*writer
	stopped chan struct{}
	work    sync.WaitGroup
}

// writer sends one request after another to one flow. What it will send it notes before
// it sends it, and that it was acknowledged after the answer.
type writer struct {
	fleet  *fleet
	random *rand.Rand
	flow   string
	name   string
	clock  time.Time
	n      int

	sent  []*sent
	wrong []string // answers that must never come
}

// sent is one thing that was sent: a line of log, or a node of an emitter.
type sent struct {
	flow, mark string
	node       bool
	tries      int
	acked      bool
}

func (f *fleet) startWriters(random *rand.Rand) *writers {
	ws := &writers{stopped: make(chan struct{})}
	for i := range flows {
		for w := range writersPerFlow {
			next := &writer{
				fleet: f, flow: flowID(i), name: fmt.Sprintf("w%d-%d", i, w), clock: time.Now().Add(-time.Minute).UTC(),
				random: rand.New(rand.NewPCG(random.Uint64(), 2)),
			}
			ws.all = append(ws.all, next)
			next.events() // so that the flow is there when it is watched
			ws.work.Go(func() { next.run(ws.stopped) })
		}
	}
	return ws
}

func (ws *writers) stop() {
	close(ws.stopped)
	ws.work.Wait()
}

func (w *writer) run(stopped <-chan struct{}) {
	for {
		select {
		case <-stopped:
			return
		default:
		}
		if w.random.IntN(4) == 0 {
			w.message()
		} else {
			w.events()
		}
		pause(w.random, time.Millisecond, 20*time.Millisecond)
	}
}

// deliver sends a body until it is acknowledged, to any replica; one in eight is given up
// when its outcome is not known, as by an emitter that is itself restarted.
func (w *writer) deliver(path, body string, header http.Header, notes []*sent) {
	w.sent = append(w.sent, notes...)
	for {
		for _, n := range notes {
			n.tries++
		}
		status, answer := w.fleet.any(w.random).send(path, body, header)
		switch status {
		case http.StatusOK:
			for _, n := range notes {
				n.acked = true
			}
			return
		case 0, http.StatusServiceUnavailable:
			if w.random.IntN(8) == 0 {
				return
			}
			pause(w.random, 20*time.Millisecond, 100*time.Millisecond)
		default:
			w.wrong = append(w.wrong, fmt.Sprintf("%s: %d %s", path, status, answer))
			return
		}
	}
}

// mark makes what is sent recognisable.
func (w *writer) mark() string {
	w.n++
	return fmt.Sprintf("%s#%d", w.name, w.n)
}

// events sends some events of components of the writer's own. They have no key: the
// server knows them again by what they say.
func (w *writer) events() {
	var lines []string
	var notes []*sent
	for range 1 + w.random.IntN(4) {
		mark := w.mark()
		w.clock = w.clock.Add(time.Millisecond)
		lines = append(lines, fmt.Sprintf(
			`{"time":%q,"phase":"component","level":"info","component":"%s-c%d","state":%q,"chartVersion":"1.0.%d","message":%q}`,
			w.clock.Format(time.RFC3339Nano), w.name, w.n%3, []string{"installing", "installed"}[w.n/3%2], w.n/6, mark))
		notes = append(notes, &sent{flow: w.flow, mark: mark})
	}
	w.deliver("/api/v1/deployments/"+w.flow+"/provisioner-events", strings.Join(lines, "\n"), http.Header{}, notes)
}

// message sends a node of an emitter, with a key.
func (w *writer) message() {
	mark := w.mark()
	body := fmt.Sprintf(`{"type":"upsert-nodes","nodes":[{"id":%q,"flowId":%q,"label":%q,"status":"running"}]}`, mark, w.flow, mark)
	header := http.Header{"Idempotency-Key": {mark}, "X-Flow-Source": {"crash"}}
	w.deliver("/api/v1/flows/"+w.flow+"/events", body, header, []*sent{{flow: w.flow, mark: mark, node: true}})
}

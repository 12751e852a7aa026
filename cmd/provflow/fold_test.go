package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/db/dbtest"
)

// Two replicas are told of a provision in pieces, repeated and out of order, by a
// provisioner and an emitter, at times by both at once. Readers of both cut their streams
// anywhere, resume on any replica with the cursor they hold or one from nowhere, or do not
// read for so long that what they miss is not kept any more. Whenever a reader has come to
// a snapshot's cursor it holds what the snapshot says, in the order in which it says it.
func TestTheFoldOfAnyStreamIsTheSnapshot(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	replicas := []*replica{start(t, dsn), start(t, dsn)}
	var n, stalls, passed atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		f := newFold(t, rt, replicas, fmt.Sprint("fold-", n.Add(1)))
		steps := rapid.IntRange(3, 14).Draw(rt, "steps")
		stall := rapid.IntRange(0, 3*steps).Draw(rt, "stall") // in a third of the checks: it costs more than all else
		for i := range steps {
			if f.step(); i == stall {
				stalls.Add(1)
				f.stall(f.anyReader())
			}
		}
		for _, r := range f.readers {
			f.catchUp(r)
		}
		if here, there := f.replicas[0].snapshot(f.id), f.replicas[1].snapshot(f.id); here.String() != there.String() {
			rt.Fatalf("the replicas differ:\n%s\n%s", here, there)
		}
		passed.Add(f.passed)
	})
	if !t.Failed() && stalls.Load() > 0 && passed.Load() == 0 {
		t.Errorf("of %d readers that stalled none fell behind what is kept", stalls.Load())
	}
}

// drawn lets a property's helpers fail the check that is being made, so that rapid tells
// the seed and looks for a smaller one.
type drawn struct {
	testing.TB
	rt *rapid.T
}

func (d drawn) Helper()                           {}
func (d drawn) Fatal(args ...any)                 { d.rt.Fatal(args...) }
func (d drawn) Fatalf(format string, args ...any) { d.rt.Fatalf(format, args...) }
func (d drawn) Error(args ...any)                 { d.rt.Error(args...) }
func (d drawn) Errorf(format string, args ...any) { d.rt.Errorf(format, args...) }
func (d drawn) Cleanup(f func())                  { d.rt.Cleanup(f) }
func (d drawn) Context() context.Context          { return d.rt.Context() }

// fold is one provision of the property.
type fold struct {
	rt       *rapid.T
	replicas []*replica
	id       string
	lines    []string // what the provisioner has not sent yet
	readers  []*reader
	passed   int64 // how often a slow reader was served what had changed, not each change
}

// reader is one client that folds what it gets.
type reader struct {
	*stream
	from *replica
}

func newFold(t *testing.T, rt *rapid.T, replicas []*replica, id string) *fold {
	t.Helper()
	f := &fold{rt: rt, id: id, lines: drawEvents(rt)}
	for _, r := range replicas {
		f.replicas = append(f.replicas, &replica{t: drawn{t, rt}, url: r.url})
	}
	f.replicas[0].post(id, "")
	for range rapid.IntRange(1, 4).Draw(rt, "readers") {
		r := &reader{}
		f.open(r, "", newBrowser())
		r.next() // what it begins with does not hang on how fast it is
		f.readers = append(f.readers, r)
	}
	return f
}

func (f *fold) anyReplica() *replica { return rapid.SampledFrom(f.replicas).Draw(f.rt, "replica") }

func (f *fold) anyReader() *reader { return rapid.SampledFrom(f.readers).Draw(f.rt, "reader") }

// open begins a reader's stream on any replica.
func (f *fold) open(r *reader, after string, state *browser) {
	state.cutOff()
	r.from = f.anyReplica()
	r.stream = r.from.stream(f.id, after)
	r.state = state
}

func (f *fold) step() {
	switch rapid.SampledFrom([]string{"events", "events", "events", "emit", "emit", "both", "read", "cut", "cut", "catch up", "delete"}).Draw(f.rt, "step") {
	case "events":
		f.anyReplica().post(f.id, f.piece()...)
	case "emit":
		f.anyReplica().emit(f.id, rapid.SampledFrom([]string{"flux", "other"}).Draw(f.rt, "emitter"), drawMessage(f.rt))
	case "both":
		f.both()
	case "read":
		f.read(f.anyReader(), rapid.IntRange(1, 4).Draw(f.rt, "frames"))
	case "cut":
		f.cut(f.anyReader())
	case "catch up":
		f.catchUp(f.anyReader())
	case "delete":
		if rapid.IntRange(0, 9).Draw(f.rt, "really") == 0 {
			f.anyReplica().do(http.MethodDelete, "/api/v1/flows/"+f.id, "")
		}
	}
}

// piece takes the next few events.
func (f *fold) piece() []string {
	n := min(len(f.lines), rapid.IntRange(1, 6).Draw(f.rt, "events"))
	piece := f.lines[:n]
	f.lines = f.lines[n:]
	return piece
}

// both writes through both replicas at once.
func (f *fold) both() {
	status := make(chan int, len(f.replicas))
	for _, r := range f.replicas {
		body := strings.Join(f.piece(), "\n")
		go func() {
			res, err := http.Post(r.url+"/api/v1/deployments/"+f.id+"/provisioner-events", "application/x-ndjson", strings.NewReader(body))
			if err != nil {
				status <- 0
				return
			}
			res.Body.Close()
			status <- res.StatusCode
		}()
	}
	for range f.replicas {
		if got := <-status; got != http.StatusOK {
			f.rt.Errorf("a write was answered %d", got)
		}
	}
}

// read folds a few frames, as far as there are any.
func (f *fold) read(r *reader, frames int) {
	want := r.from.snapshot(f.id).Cursor
	for ; frames > 0 && r.state.Cursor != want; frames-- {
		if _, ok := r.next(); !ok {
			f.open(r, r.state.Cursor, r.state)
		}
	}
}

// cut breaks a stream off where it is and resumes on any replica.
func (f *fold) cut(r *reader) {
	r.close()
	after := r.state.Cursor
	if rapid.IntRange(0, 5).Draw(f.rt, "foreign") == 0 {
		after = rapid.SampledFrom([]string{"foreign.5", "0.0", "!", strings.ReplaceAll(after, "-", "")}).Draw(f.rt, "cursor")
	}
	f.open(r, after, r.state)
}

// catchUp reads until the fold is the snapshot, at its cursor.
func (f *fold) catchUp(r *reader) {
	want := r.from.snapshot(f.id)
	for r.state.Cursor != want.Cursor {
		_, ok := r.next()
		if !ok { // the flow was deleted: it is resolved afresh
			f.open(r, r.state.Cursor, r.state)
		}
		if !ok || r.beyond(want.Cursor) {
			want = r.from.snapshot(f.id)
		}
	}
	if wrong := r.state.differs(want); wrong != "" {
		f.rt.Fatalf("the fold differs from the snapshot at %s:\n%s", want.Cursor, wrong)
	}
}

const (
	heavy  = 400 << 10 // bytes of one node: more than a topic keeps of a flow
	turns  = 24        // more than the sockets of a connection take in
	narrow = 64 << 10
)

// stall lets a reader's connection fill up until what it has not got is not kept any more.
func (f *fold) stall(r *reader) {
	r.close()
	f.openNarrow(r)
	to := f.anyReplica()
	text := bytes.Repeat([]byte("x"), heavy)
	for turn := range turns {
		to.emit(f.id, "flux", upsert(node("heavy", "running", fmt.Sprintf(`,"label":"%d %s"`, turn, text))))
	}
	want, frames := r.from.snapshot(f.id).Cursor, 0
	for ; r.state.Cursor != want && !r.beyond(want); frames++ {
		if _, ok := r.next(); !ok { // nobody waits for a reader for ever
			f.open(r, r.state.Cursor, r.state)
		}
	}
	if frames < turns {
		f.passed++
	}
	to.emit(f.id, "flux", `{"type":"delete-nodes","ids":["heavy"]}`)
	f.catchUp(r)
}

// openNarrow resumes on a connection that takes in little that is not read.
func (f *fold) openNarrow(r *reader) {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return conn, conn.(*net.TCPConn).SetReadBuffer(narrow)
	}
	from := *f.anyReplica()
	from.client = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	state := r.state
	state.cutOff()
	r.from = &from
	r.stream = from.stream(f.id, state.Cursor)
	r.state = state
}

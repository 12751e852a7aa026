package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/openova-io/provflow/api/sse"
	"github.com/openova-io/provflow/api/upstream"
	"github.com/openova-io/provflow/service/backoff"
	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

const (
	// relayHeartbeat is the longest silence of a client's stream.
	relayHeartbeat = 10 * time.Second
	// relayPatience is how long a slow upstream is waited for before the client is shown
	// what is known here, which is nothing yet.
	relayPatience = 2 * time.Second
	// relayPause is the pause before the upstream is tried again; it doubles up to the
	// longest one.
	relayPause        = time.Second
	relayLongestPause = 30 * time.Second
)

// relay is one client's stream while its flow is not here.
//
// The client gets whole events of the upstream, byte for byte, so there is never half of
// one in the way. The first batch of the local flow is a snapshot: it takes the place of
// whatever the upstream had shown, and nothing of the upstream follows it.
type relay struct {
	out   *sse.Writer
	local sse.Source // gives a batch with a cursor as soon as the flow is here
	open  func(ctx context.Context) (*upstream.Stream, error)
	again bool        // an upstream that ends is opened again; else the client's stream ends
	note  func(error) // hears why the upstream's stream is not there

	shows shown
	empty *feed.Batch // the snapshot of a deployment without a flow, once it has come
	want  bool        // it is to be shown

	beat, patience *time.Timer
}

// shown is what the client's screen has.
type shown int

const (
	nothing shown = iota
	here          // the local flow, that is, none
	there         // the upstream's
)

// heard is what came from one side: an event, a batch, or an end.
type heard struct {
	event []byte
	batch feed.Batch
	err   error
}

// run serves the client until it leaves, the flow ends, or a write fails (an error).
func (l *relay) run(ctx context.Context) error {
	arrived, err := l.wait(ctx)
	if arrived == nil || err != nil {
		return err
	}
	if err := l.out.SendBatch(*arrived); err != nil {
		return err
	}
	return l.out.Follow(ctx, l.local)
}

// wait serves from the upstream until the flow is here, and gives its first batch; nil
// when the stream is over before.
func (l *relay) wait(ctx context.Context) (arrived *feed.Batch, err error) {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	local, remote := make(chan heard), make(chan heard)
	work.Go(func() { l.listen(ctx, local) })
	work.Go(func() { l.pump(ctx, remote) })
	l.beat, l.patience = time.NewTimer(relayHeartbeat), time.NewTimer(relayPatience)
	defer l.beat.Stop()
	defer l.patience.Stop()
	for over := false; arrived == nil && !over && err == nil; {
		arrived, over, err = l.step(ctx, local, remote)
	}
	return arrived, err
}

// step takes what comes next, from either side.
func (l *relay) step(ctx context.Context, local, remote <-chan heard) (arrived *feed.Batch, over bool, err error) {
	sent := true
	select {
	case <-ctx.Done():
		return nil, true, nil
	case got := <-local:
		if got.err != nil {
			return nil, true, unlessOrderly(got.err)
		}
		if got.batch.After != flow.NoCursor {
			return &got.batch, true, nil
		}
		sent, err = l.takeLocal(got.batch)
	case got, ok := <-remote:
		if !ok {
			return nil, true, nil
		}
		sent, err = l.takeRemote(got)
	case <-l.patience.C:
		sent, err = l.showEmpty()
	case <-l.beat.C:
		err = l.out.Heartbeat()
	}
	if sent {
		l.beat.Reset(relayHeartbeat)
	}
	return nil, false, err
}

// unlessOrderly: when the flow is gone or the server stops, the client comes back.
func unlessOrderly(err error) error {
	if errors.Is(err, feed.ErrGone) || errors.Is(err, feed.ErrStopped) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// takeLocal keeps the empty snapshot until it is wanted. That the database is away
// matters to a client only that is shown what is in it.
func (l *relay) takeLocal(b feed.Batch) (sent bool, err error) {
	if b.Frames[0].Event == flow.TypeSnapshot {
		if l.empty = &b; l.want {
			return l.showEmpty()
		}
		return false, nil
	}
	if l.shows == here {
		return true, l.out.SendBatch(b)
	}
	return false, nil
}

// takeRemote passes an event on. When the upstream is not there, what the client was
// shown of it stays, unless the upstream itself says that there is no such flow any more.
func (l *relay) takeRemote(got heard) (sent bool, err error) {
	var refused *upstream.RefusedError
	switch {
	case got.err == nil:
		l.shows, l.want = there, false
		return carriesData(got.event), l.out.SendRaw(got.event)
	case errors.As(got.err, &refused) && refused.Status == http.StatusNotFound && l.shows == there:
		l.shows = nothing
	}
	return l.showEmpty()
}

// carriesData tells an event from a comment, which a client does not see: only what it
// sees puts off the next heartbeat.
func carriesData(event []byte) bool {
	return bytes.HasPrefix(event, []byte("data")) || bytes.Contains(event, []byte("\ndata")) || bytes.Contains(event, []byte("\rdata"))
}

func (l *relay) showEmpty() (sent bool, err error) {
	if l.shows != nothing {
		return false, nil
	}
	if l.want = true; l.empty == nil {
		return false, nil
	}
	l.shows, l.want = here, false
	return true, l.out.SendBatch(*l.empty)
}

// listen gives local batches until the flow is here; from then on the source is the
// caller's again.
func (l *relay) listen(ctx context.Context, out chan<- heard) {
	for {
		b, err := l.local.Next(ctx)
		select {
		case out <- heard{batch: b, err: err}:
		case <-ctx.Done():
			return
		}
		if err != nil || b.After != flow.NoCursor {
			return
		}
	}
}

// pump gives the upstream's events and, each time it is not there, why.
func (l *relay) pump(ctx context.Context, out chan<- heard) {
	defer close(out)
	retry := backoff.Backoff{Least: relayPause, Most: relayLongestPause}
	for {
		got, err := l.drain(ctx, out)
		if got {
			retry.Reset()
		}
		l.note(err)
		if !l.again {
			return
		}
		select {
		case out <- heard{err: err}:
		case <-ctx.Done():
			return
		}
		backoff.Wait(ctx, retry.Next())
		if ctx.Err() != nil {
			return
		}
	}
}

// drain opens the upstream's stream and gives its events until it ends.
func (l *relay) drain(ctx context.Context, out chan<- heard) (got bool, err error) {
	s, err := l.open(ctx)
	if err != nil {
		return false, err
	}
	defer s.Close()
	for {
		event, err := s.Next()
		if err != nil {
			return got, err
		}
		got = true
		select {
		case out <- heard{event: event}:
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}

// awaited is the subscription to a flow of which nothing is known yet.
type awaited struct {
	hub *feed.Hub
	id  string
	sub *feed.Subscription
}

// Next implements sse.Source.
func (a *awaited) Next(ctx context.Context) (feed.Batch, error) {
	if a.sub == nil {
		if err := a.hub.Await(ctx, a.id); err != nil {
			return feed.Batch{}, err
		}
		sub, err := a.hub.Subscribe(ctx, a.id, flow.NoCursor)
		if err != nil {
			return feed.Batch{}, err
		}
		a.sub = sub
	}
	return a.sub.Next(ctx)
}

// Close gives the subscription up.
func (a *awaited) Close() {
	if a.sub != nil {
		a.sub.Close()
	}
}

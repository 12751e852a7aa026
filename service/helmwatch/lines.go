package helmwatch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/openova-io/provflow/service/flow"
)

// Controllers says which pods' logs are followed. With an empty namespace none are.
type Controllers struct {
	Namespace string
	Labels    string
}

const (
	// lookForPods is how often pods are looked for.
	lookForPods = 10 * time.Second
	// overlap is how far back of the last line that was recorded a log is read again: those
	// of several pods are not recorded in the order of their times. Keys keep it harmless.
	overlap = time.Minute
	// longest is how much of a line is read; the rest of it is passed over.
	longest = 64 << 10
)

// followControllers follows the logs of all pods there are, until ctx ends. It begins once
// the releases are known, since lines are kept for those only.
func (s *session) followControllers(ctx context.Context, api kubernetes) {
	if s.options.Controllers.Namespace == "" {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-s.releases.listed:
	}
	var followers sync.WaitGroup
	defer followers.Wait()
	from, followed := s.from(), map[pod]bool{}
	for quiet := false; ctx.Err() == nil; pause(ctx, lookForPods) {
		pods, err := api.pods(ctx, s.options.Controllers)
		if err != nil && !quiet && ctx.Err() == nil {
			s.log.Warn("looking for the controller's pods; its lines are not followed yet", "error", err)
		}
		quiet = err != nil
		for _, p := range pods {
			if !followed[p] {
				followed[p] = true
				followers.Go(func() { s.follow(ctx, api, p, from) })
			}
		}
	}
}

// from is where the logs are read from; the beginning, when nobody has read them yet.
func (s *session) from() time.Time {
	if at := s.position().LinesAt; !at.IsZero() {
		return at.Add(-overlap)
	}
	return time.Time{}
}

// follow reads a pod's log until ctx ends or the pod is gone, however often the stream does:
// again at once while it brings something new, and not for ever where its container has ended.
func (s *session) follow(ctx context.Context, api kubernetes, p pod, from time.Time) {
	retry := retries(15 * time.Second)
	for ctx.Err() == nil {
		log, err := api.log(ctx, p, from)
		if apierrors.IsNotFound(err) {
			return
		}
		if err == nil {
			if last := s.readLines(ctx, log, p).Add(-time.Second); last.After(from) { // it is asked for by whole seconds
				from, retry = last, retries(15*time.Second)
			}
		}
		pause(ctx, retry.Step())
	}
}

// readLines records a log until it ends, and gives the time of its last line.
func (s *session) readLines(ctx context.Context, log io.ReadCloser, p pod) (last time.Time) {
	defer log.Close()                                      //nolint:errcheck // it was only read
	defer context.AfterFunc(ctx, func() { log.Close() })() //nolint:errcheck // that ends a read that waits
	for in := bufio.NewReaderSize(log, longest); ; {
		line, err := takeLine(in)
		if at, _ := cutTime(line); !at.IsZero() {
			last = at
			s.sawLine(ctx, line, at, p)
		}
		if err != nil {
			return last
		}
	}
}

// takeLine gives the next line, without what is more than the reader's room of it.
func takeLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	line = append([]byte{}, line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return line, err
}

// sawLine takes a line, which the API server dates at.
func (s *session) sawLine(ctx context.Context, line []byte, at time.Time, p pod) {
	l, ok := AttributeLine(line)
	if !ok || !s.releases.has(l.Release) {
		return
	}
	s.lines.put(ctx, entry{
		item: s.item(l.Event(s.Region), lineKey(s.Region, p, line)),
		then: func() { s.advance(at); s.counts.lines.Add(1) },
	})
}

// lineKey recognises a line that is read again. The time in front, which is part of it, is
// in billionths of a second.
func lineKey(region string, p pod, line []byte) (key flow.Fingerprint) {
	h := sha256.New()
	for _, part := range []string{"line", region, p.uid, string(line)} {
		_, _ = io.WriteString(h, part+"\x00")
	}
	copy(key[:], h.Sum(nil))
	return key
}

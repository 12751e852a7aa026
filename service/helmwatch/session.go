package helmwatch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// session is a cluster while it is watched by one term. Releases and lines have a writer
// each, so that a controller that chatters does not hold up what matters.
type session struct {
	*cluster
	events, lines *writer
	releases      *releases
	absent        atomic.Bool // HelmReleases are not served
	parts         sync.WaitGroup

	mu   sync.Mutex
	term flow.WatchTerm
}

func (c *cluster) newSession(term flow.WatchTerm, end context.CancelCauseFunc) *session {
	return &session{
		cluster: c, term: term, events: c.newWriter(end), lines: c.newWriter(end),
		releases: newReleases(),
	}
}

// run watches until ctx ends.
func (s *session) run(ctx context.Context) {
	s.parts.Go(func() { s.events.run(ctx) })
	s.parts.Go(func() { s.lines.run(ctx) })
	s.parts.Go(func() { s.tell(ctx) })
	s.parts.Go(func() { s.look(ctx) })
	s.parts.Wait()
}

// look asks the API server for all that is to be seen, until ctx ends.
func (s *session) look(ctx context.Context) {
	api, ok := s.connected(ctx)
	if !ok {
		return
	}
	defer api.close()
	var parts sync.WaitGroup
	parts.Go(func() { s.watchReleases(ctx, api) })
	parts.Go(func() { s.followControllers(ctx, api) })
	parts.Wait()
}

// connected makes the client, once the kubeconfig and the files that it names make sense; ok
// is false when ctx has ended.
func (s *session) connected(ctx context.Context) (api kubernetes, ok bool) {
	for retry := retries(10 * time.Second); ; {
		s.sight.ask(whatIsServed)
		api, err := connect(s.Cluster, &s.sight.link)
		if s.sight.note(whatIsServed, err); err == nil {
			return api, true
		}
		if !pause(ctx, retry.Step()) {
			return api, false
		}
	}
}

// position is the term with the place up to which lines were read.
func (s *session) position() flow.WatchTerm {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.term
}

// advance notes that lines were recorded up to there.
func (s *session) advance(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.term.LinesAt) {
		s.term.LinesAt = at
	}
}

// item is an event of this term. A key has it apply once; the zero one, whenever it comes.
func (s *session) item(e bridge.Event, key flow.Fingerprint) record.Item {
	e.Message, e.Reason = flow.CleanText(e.Message), flow.CleanName(e.Reason)
	return record.Item{Observation: e, Key: key, Fence: s.position().Fence(), OfDeployment: true}
}

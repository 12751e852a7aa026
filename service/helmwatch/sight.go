package helmwatch

import (
	"log/slog"
	"sync"
	"time"
)

// sight is whether a cluster can be looked at, and since when it cannot.
type sight struct {
	now func() time.Time
	log *slog.Logger

	mu    sync.Mutex
	looks bool      // once it was
	since time.Time // zero while it can be, and before anything was tried
	why   error
}

// note keeps what became of a try to look; nil is that it worked.
func (s *sight) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = err
	switch {
	case err == nil && (!s.looks || !s.since.IsZero()):
		s.log.Info("the cluster can be looked at")
		s.looks, s.since = true, time.Time{}
	case err != nil && s.since.IsZero():
		s.log.Warn("the cluster cannot be looked at", "error", err)
		s.since = s.now()
	}
}

// lost gives since when it cannot be looked at, and why; a zero time while it can.
func (s *sight) lost() (since time.Time, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since, s.why
}

// has reports that it was looked at, and can be now.
func (s *sight) has() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks && s.since.IsZero()
}

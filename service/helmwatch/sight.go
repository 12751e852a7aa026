package helmwatch

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// answerBound is how long an answer may take until it is said that there is none.
	answerBound = 5 * time.Second
	// blink is how short a failure is not worth telling.
	blink = time.Second
)

var (
	errSilent     = errors.New("nothing is heard of the API server any more; the connection to it is silent")
	errUnanswered = errors.New("the API server does not answer")
)

// sight is whether a cluster can be looked at, and since when it cannot: not when that was
// noticed, but when it was last certain to be seen. Each thing that is looked at counts.
type sight struct {
	link

	mu    sync.Mutex
	looks map[string]*look
}

// look is one thing that is looked at. It is asked for, and once that was answered it is
// seen for as long as something is heard.
type look struct {
	asked  time.Time // when what has no answer yet was asked; zero: nothing is open
	seen   time.Time // when it was last certain to be; before it ever was, when it was first asked
	sees   bool
	why    error // it could not be; nil where it could, and before there was an answer
	failed time.Time
}

func newSight(now func() time.Time) *sight {
	return &sight{link: link{now: now}, looks: map[string]*look{}}
}

// reset forgets what was, for who begins to look.
func (s *sight) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.looks)
}

// ask notes that something is asked of which note or drop is to tell the end.
func (s *sight) ask(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	l := s.looks[what]
	if l == nil {
		l = &look{seen: now}
		s.looks[what] = l
	}
	if since, why := l.lost(&s.link, now); why != nil {
		l.fail(why, since)
		l.seen = since
	}
	if l.sees {
		l.seen = laterOf(l.seen, s.last())
	}
	l.asked = now
}

// note keeps what became of what was asked; nil is that it worked.
func (s *sight) note(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.looks[what], s.now()
	if l == nil {
		return // it was asked by who has stopped looking
	}
	l.asked = time.Time{}
	if err != nil {
		l.fail(err, now)
		return
	}
	l.sees, l.why, l.seen = true, nil, now
}

// drop forgets what was asked: its end says nothing.
func (s *sight) drop(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.looks[what]; l != nil {
		l.asked = time.Time{}
	}
}

func (l *look) fail(why error, at time.Time) {
	if l.why == nil {
		l.failed = at
	}
	l.sees, l.why = false, why
}

// lost gives since when it cannot be seen, and why; nil while it can, or has not been
// tried for long enough to say.
func (l *look) lost(by *link, now time.Time) (since time.Time, why error) {
	switch {
	case l.why != nil && now.Sub(l.failed) >= blink:
		return l.seen, l.why
	case l.why == nil && !l.asked.IsZero() && now.Sub(l.asked) >= answerBound:
		return l.seen, errUnanswered
	case l.sees && l.asked.IsZero() && by.silent(now):
		return laterOf(l.seen, by.last()), errSilent
	}
	return time.Time{}, nil
}

// lost gives since when the cluster cannot be looked at, and why; nil while it can. Of
// several reasons it is the oldest.
func (s *sight) lost() (since time.Time, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(s.looks)) {
		if from, err := s.looks[what].lost(&s.link, s.now()); err != nil && (why == nil || from.Before(since)) {
			since, why = from, err
		}
	}
	return since, why
}

// has reports that all was seen, and is now.
func (s *sight) has() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.looks {
		if _, why := l.lost(&s.link, s.now()); why != nil || !l.sees {
			return false
		}
	}
	return len(s.looks) > 0
}

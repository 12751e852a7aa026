package helmwatch

import (
	"errors"
	"testing"
	"time"
)

// looker is a sight whose clock is turned by hand.
type looker struct {
	*sight
	clock time.Time
}

func newLooker() *looker {
	l := &looker{clock: time.Unix(1e9, 0)}
	l.sight = newSight(func() time.Time { return l.clock })
	l.pings.Store(true)
	return l
}

func (l *looker) after(seconds float64) *looker {
	l.clock = l.clock.Add(time.Duration(seconds * float64(time.Second)))
	return l
}

// hears has something come from the API server.
func (l *looker) hears() *looker {
	now := l.clock
	l.heard.Store(&now)
	return l
}

func (l *looker) asks(what string) *looker {
	l.ask(what)
	return l
}

func (l *looker) told(what string, err error) *looker {
	l.note(what, err)
	return l
}

var errRefused = errors.New("refused")

func TestSinceWhenAClusterCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	seen := func() *looker { return newLooker().asks("a").after(1).hears().told("a", nil) } // at 1
	tests := []struct {
		name  string
		l     *looker
		since float64 // seconds from the begin; -1: it can be, or nobody knows yet
		why   error
	}{
		{"nothing was tried", newLooker().after(60), -1, nil},
		{"it has just been asked", newLooker().asks("a").after(4.9), -1, nil},
		{"the first answer does not come", newLooker().after(1).asks("a").after(5), 1, errUnanswered},
		{"the first answer is a refusal", newLooker().after(1).asks("a").after(2).told("a", errRefused).after(1), 1, errRefused},
		{"a refusal a moment ago", seen().after(2).hears().asks("a").after(1).told("a", errRefused).after(0.9), -1, nil},
		{"it is heard", seen().after(60).hears().after(4.9), -1, nil},
		{"it is silent", seen().after(60).hears().after(5), 61, errSilent},
		{"it is silent and has no pings", seen().plain().after(600), -1, nil},
		{"it is silent and is asked again", seen().after(2).hears().after(5).asks("a").after(0.1), 3, errSilent},
		{"it was silent and cannot be reached", seen().after(2).hears().after(5).asks("a").after(5).told("a", errRefused).after(9), 3, errRefused},
		{"it is asked again and does not answer", seen().after(2).hears().after(1).asks("a").after(5), 3, errUnanswered},
		{"the server ended the watch and is gone", seen().after(2).hears().after(1).asks("a").told("a", errRefused).after(1), 3, errRefused},
		{"refused again and again", seen().after(2).asks("a").told("a", errRefused).after(9).hears().asks("a").told("a", errRefused), 1, errRefused},
		{"it is seen again", seen().asks("a").told("a", errRefused).after(9).asks("a").told("a", nil).hears(), -1, nil},
		{"another one is refused", seen().asks("b").after(1).hears().told("b", errRefused).after(1), 1, errRefused},
		{"another one is seen", seen().asks("a").told("a", errRefused).after(9).asks("b").told("b", nil).hears(), 1, errRefused},
		{"both are refused", seen().asks("b").told("b", nil).after(1).hears().asks("a").told("a", errRefused).after(1).hears().asks("b").told("b", errors.New("later")).after(1), 2, errRefused},
		{"who stopped looking is answered", seen().asks("a").stops().told("a", errRefused).dropped("a").after(60), -1, nil},
		{"what was asked says nothing", seen().after(1).asks("a").dropped("a").after(1).hears().after(4), -1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := time.Time{}
			if tt.since >= 0 {
				want = time.Unix(1e9, 0).Add(time.Duration(tt.since * float64(time.Second)))
			}
			if since, why := tt.l.lost(); !since.Equal(want) || !errors.Is(why, tt.why) {
				t.Errorf("since %v for %v, want %v for %v", since, why, want, tt.why)
			}
			if tt.why != nil && tt.l.has() {
				t.Error("and it is said to be seen")
			}
		})
	}
}

func (l *looker) plain() *looker {
	l.pings.Store(false)
	return l
}

func (l *looker) stops() *looker { l.reset(); return l }

func (l *looker) dropped(what string) *looker {
	l.drop(what)
	return l
}

func TestAClusterIsSeenOnceAllOfItIs(t *testing.T) {
	t.Parallel()
	l := newLooker()
	for i, step := range []struct {
		do  func()
		has bool
	}{
		{func() {}, false},
		{func() { l.asks("a").asks("b") }, false},
		{func() { l.hears().told("a", nil) }, false},
		{func() { l.told("b", nil) }, true},
		{func() { l.asks("a") }, true}, // the next watch
		{func() { l.told("a", errRefused) }, false},
		{func() { l.asks("a").told("a", nil) }, true},
		{func() { l.after(5) }, false},
		{func() { l.hears() }, true},
		{func() { l.reset() }, false},
	} {
		if step.do(); l.has() != step.has {
			t.Errorf("after step %d it is seen: %v", i, l.has())
		}
	}
}

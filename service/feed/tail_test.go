package feed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

func follow(t *testing.T, hub *feed.Tails, from int64) *feed.Follower {
	t.Helper()
	f, err := hub.Follow(within(t), "x", from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// expect reads the lines from first to last, in order, each once.
func expect(t *testing.T, f *feed.Follower, first, last int64) {
	t.Helper()
	for n := first; n <= last; {
		lines, err := f.Next(within(t))
		if err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		for _, l := range lines {
			if l.Number != n || !strings.Contains(string(l.Data), fmt.Sprintf(`"message":"m%d"`, n)) {
				t.Fatalf("got %d: %s, want %d", l.Number, l.Data, n)
			}
			n++
		}
	}
}

func expectEnd(t *testing.T, f *feed.Follower, want error) {
	t.Helper()
	if lines, err := f.Next(within(t)); !errors.Is(err, want) {
		t.Fatalf("got %v, %v; want %v", lines, err, want)
	}
}

func TestManyFollowersOfOneLogShareItsReads(t *testing.T) {
	t.Parallel()
	b := newBook(1000)
	hub := tails(t, b, feed.TailOptions{PageLines: 300, KeepBytes: 1 << 20, PollInterval: time.Hour})
	var all sync.WaitGroup
	for range 300 {
		f := follow(t, hub, 1)
		all.Go(func() { expect(t, f, 1, 1000) })
	}
	all.Wait()
	if got := fmt.Sprint(b.reads); got != "map[1:1 301:1 601:1 901:1]" {
		t.Errorf("lines were read %s", got)
	}
}

func TestNewLinesAreReadOnceForAll(t *testing.T) {
	t.Parallel()
	b := newBook(3)
	hub := tails(t, b, feed.TailOptions{})
	var followers []*feed.Follower
	for range 50 {
		f := follow(t, hub, 3)
		expect(t, f, 3, 3)
		followers = append(followers, f)
	}
	for n := int64(4); n < 20; n++ {
		b.write(1)
		for _, f := range followers {
			expect(t, f, n, n)
		}
		b.change(func() {
			if b.reads[n] != 1 {
				t.Errorf("line %d was read %d times", n, b.reads[n])
			}
		})
	}
}

func TestASlowFollowerHoldsUpNobodyAndMissesNothing(t *testing.T) {
	t.Parallel()
	b := newBook(5)
	hub := tails(t, b, feed.TailOptions{PageLines: 7, KeepBytes: 1})
	slow, quick := follow(t, hub, 1), follow(t, hub, 1)
	expect(t, quick, 1, 5)
	for n := int64(6); n < 300; n += 3 {
		b.write(3)
		expect(t, quick, n, n+2)
	}
	expect(t, slow, 1, 299)
}

func TestALogEndsWhenItsExecutionHasAndItIsSilent(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	clock := func() time.Time { return now }
	b := newBook(2)
	b.change(func() { b.status, b.ended = flow.Succeeded, now })
	hub := tails(t, b, feed.TailOptions{Settle: 10 * time.Second, Now: func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return clock()
	}})
	f := follow(t, hub, 1)
	expect(t, f, 1, 2)
	b.change(func() { clock = func() time.Time { return now.Add(9 * time.Second) } })
	b.write(1) // a straggler: the silence begins again
	expect(t, f, 3, 3)
	b.change(func() { clock = func() time.Time { return now.Add(15 * time.Second) } })
	b.awaitLooks(3)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if lines, err := f.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, %v; want nothing yet", lines, err)
	}
	b.change(func() { clock = func() time.Time { return now.Add(19 * time.Second) } })
	expectEnd(t, f, io.EOF)
	late := follow(t, hub, 4) // it too gives stragglers their time, as long as there can be any
	b.change(func() { clock = func() time.Time { return now.Add(61 * time.Second) } })
	expectEnd(t, late, io.EOF)
}

func TestALogThatEndedLongAgoEndsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBook(500)
	b.change(func() { b.status, b.ended = flow.Failed, time.Now().Add(-time.Hour) })
	hub := tails(t, b, feed.TailOptions{Settle: time.Hour, PageLines: 50, KeepBytes: 1})
	f := follow(t, hub, 1)
	expect(t, f, 1, 500) // the log has ended long before this follower has read it
	expectEnd(t, f, io.EOF)
}

func TestResumingALog(t *testing.T) {
	t.Parallel()
	b := newBook(5)
	hub := tails(t, b, feed.TailOptions{PollInterval: time.Hour}) // a replica that has looked before the last lines came
	follow(t, hub, 1)
	b.write(5)
	for name, tt := range map[string]struct{ last, next int64 }{
		"within":            {3, 4},
		"another replica's": {8, 9},
		"another life's":    {11, 1},
		"no line's":         {-1, 1},
		"the largest":       {1<<63 - 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := hub.Resume(within(t), "x", tt.last)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if tt.next <= 5 {
				expect(t, f, tt.next, 5)
			}
		})
	}
}

func TestAnOutageEndsNoFollower(t *testing.T) {
	t.Parallel()
	b := newBook(600)
	hub := tails(t, b, feed.TailOptions{PageLines: 100, KeepBytes: 1, RetryMax: 2 * time.Millisecond})
	behind, ahead := follow(t, hub, 1), follow(t, hub, 600)
	expect(t, behind, 1, 1)
	expect(t, ahead, 600, 600)
	b.change(func() { b.away = true })
	b.awaitLooks(3)
	b.write(2)
	b.change(func() { b.away = false })
	expect(t, ahead, 601, 602)
	expect(t, behind, 2, 602)
}

func TestALogThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	b := newBook(0)
	hub := tails(t, b, feed.TailOptions{})
	b.change(func() { b.away = true })
	if _, err := hub.Follow(within(t), "x", 1); flow.CodeOf(err) != flow.Unavailable {
		t.Errorf("got %v", err)
	}
	b.change(func() { b.away, b.lines = false, nil })
	if _, err := hub.Follow(within(t), "x", 1); flow.CodeOf(err) != flow.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestADeletedExecutionEndsItsFollowers(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]flow.LogLine{"deleted": nil, "made again": {{Number: 1, Message: "m1"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(3)
			hub := tails(t, b, feed.TailOptions{})
			f := follow(t, hub, 1)
			expect(t, f, 1, 3)
			b.change(func() { b.lines = lines })
			expectEnd(t, f, feed.ErrGone)
		})
	}
}

func TestALogThatBecomesAnotherFlowsEndsItsFollowers(t *testing.T) {
	t.Parallel()
	b := newBook(300)
	b.owner = "a"
	hub := tails(t, b, feed.TailOptions{PageLines: 100, KeepBytes: 1})
	ahead, behind := follow(t, hub, 300), follow(t, hub, 1)
	expect(t, ahead, 300, 300)
	expect(t, behind, 1, 1)
	b.change(func() { b.owner = "b" })
	b.write(5)
	expectEnd(t, ahead, feed.ErrGone)
	for err := error(nil); !errors.Is(err, feed.ErrGone); {
		if _, err = behind.Next(within(t)); err != nil && !errors.Is(err, feed.ErrGone) {
			t.Fatal(err)
		}
	}
	if f := follow(t, hub, 1); ahead.FlowID() != "a" || f.FlowID() != "b" {
		t.Errorf("of %s, and of %s now", ahead.FlowID(), f.FlowID())
	}
}

// However lines come, readers are slow and the store fails: each follower gets all lines
// from its first on, once and in order, and then the end.
func TestEveryFollowerGetsTheWholeLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(rapid.IntRange(0, 9).Draw(rt, "lines"))
		hub := tails(t, b, feed.TailOptions{
			PollInterval: 100 * time.Microsecond, RetryMax: 200 * time.Microsecond, Settle: time.Microsecond,
			PageLines: rapid.IntRange(1, 5).Draw(rt, "page"), KeepBytes: rapid.IntRange(1, 500).Draw(rt, "keep"),
		})
		var all sync.WaitGroup
		got := make([]string, rapid.IntRange(1, 4).Draw(rt, "followers"))
		for i := range got {
			f := follow(t, hub, int64(i+1))
			all.Go(func() {
				for {
					lines, err := f.Next(within(t))
					for _, l := range lines {
						got[i] += fmt.Sprint(l.Number, " ")
					}
					if err != nil {
						got[i] += err.Error()
						return
					}
				}
			})
		}
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			b.write(rapid.IntRange(0, 7).Draw(rt, "more"))
			b.change(func() { b.away = rapid.Bool().Draw(rt, "away") })
			b.awaitLooks(1)
		}
		b.change(func() { b.away, b.status, b.ended = false, flow.Succeeded, time.Now().Add(-time.Hour) })
		all.Wait()
		for i := range got {
			want := ""
			for n := i + 1; n <= len(b.lines); n++ {
				want += fmt.Sprint(n, " ")
			}
			if got[i] != want+"EOF" {
				rt.Fatalf("follower from %d got %s of %d", i+1, got[i], len(b.lines))
			}
		}
	})
}

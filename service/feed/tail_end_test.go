package feed_test

import (
	"context"
	"testing"
	"time"

	"github.com/openova-io/provflow/service/feed"
	"github.com/openova-io/provflow/service/flow"
)

func TestALogNobodyFollowsIsNotRead(t *testing.T) {
	t.Parallel()
	b := newBook(3)
	hub := tails(t, b, feed.TailOptions{PollInterval: time.Hour})
	for range 2 { // found again after it was given up
		f := follow(t, hub, 1)
		expect(t, f, 1, 3)
		f.Close()
		f.Close()
	}
}

func TestStoppingEndsFollowers(t *testing.T) {
	t.Parallel()
	hub := feed.NewTails(newBook(1), feed.TailOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	f := follow(t, hub, 1)
	expect(t, f, 1, 1)
	cancel()
	expectEnd(t, f, feed.ErrStopped)
	<-done
	if _, err := hub.Follow(within(t), "x", 1); flow.CodeOf(err) != flow.Unavailable {
		t.Errorf("got %v", err)
	}
}

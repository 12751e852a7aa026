package helmwatch

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/helmwatch/kubeconfig"
	"github.com/openova-io/provflow/service/record"
)

// follower follows the log of a pod that such an API server has.
func follower(t *testing.T, a answers) (follow func(context.Context)) {
	t.Helper()
	s := New(Options{Logger: slog.New(slog.DiscardHandler)}).idle(nobody).newSession(flow.WatchTerm{}, nil)
	return func(ctx context.Context) {
		s.follow(ctx, a.kubernetes(t), pod{"flux-system", "helm-controller-0", "u1", "manager"}, time.Time{})
	}
}

// The log of a container that has ended ends at once, however often it is asked for: an evicted
// pod may stay for days.
func TestALogThatHasEndedIsSeldomAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		follow := follower(t, func() (int, string) {
			asked.Add(1)
			return 200, "2026-11-23T09:22:49.000000001Z the last words\n"
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		follow(ctx)
		if n := asked.Load(); n < 20 || n > 100 { // about every ten seconds; at once it would be thousands
			t.Errorf("it was asked for %d times", n)
		}
	})
}

func TestALogOfAPodThatIsGoneIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		follow := follower(t, func() (int, string) {
			if asked.Add(1) < 3 {
				return 500, "no"
			}
			return 404, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		follow(ctx)
		if ctx.Err() != nil || asked.Load() != 3 {
			t.Errorf("it was asked for %d times; %v", asked.Load(), ctx.Err())
		}
	})
}

// diary keeps what is recorded.
type diary struct {
	*office
	said chan bridge.Event
}

func (d diary) Record(_ context.Context, _ string, items []record.Item) (flow.Cursor, error) {
	for _, i := range items {
		d.said <- i.Observation.(bridge.Event)
	}
	return flow.Cursor{}, nil
}

// Who waits for a cluster to be shown reads in its flow why it is not.
func TestTheFlowSaysWhatIsWrongWithAKubeconfig(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := diary{&office{}, make(chan bridge.Event, 10)}
		w := New(Options{Recorder: d, Terms: d, Jobs: d, Holder: "a", Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		wrong := kubeconfig.Cluster{WatchKey: nobody.WatchKey, Wrong: errors.New("it runs a program")}
		done := make(chan error, 1)
		go func() {
			done <- w.Run(ctx, func(ctx context.Context, give func([]kubeconfig.Cluster)) error {
				give([]kubeconfig.Cluster{wrong})
				<-ctx.Done()
				return nil
			})
		}()
		if e := <-d.said; e.State != bridge.WatchBlind || e.Message != "its kubeconfig cannot be used: it runs a program" {
			t.Errorf("it says %q: %s", e.State, e.Message)
		}
		cancel()
		<-done
	})
}

package upkeep_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/upkeep"
)

// counted gives a task with that many things to do, one in each piece.
func counted(name string, left *int) upkeep.Task {
	return upkeep.Task{Name: name, Do: func(context.Context, time.Time) (int, error) {
		if *left == 0 {
			return 0, nil
		}
		*left--
		return 1, nil
	}}
}

func TestARoundDoesAllThereIs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	few, none := 3, 0
	broken := upkeep.Task{Name: "broken", Do: func(context.Context, time.Time) (int, error) { return 0, errors.New("no luck") }}
	k := upkeep.New(upkeep.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, broken, counted("few", &few), counted("none", &none))
	k.Round(t.Context())
	said := log.String()
	if few != 0 || !strings.Contains(said, "task=few done=3") || !strings.Contains(said, "no luck") || strings.Contains(said, "task=none") {
		t.Errorf("%d are left; %s", few, said)
	}
}

// The first round is at once, one that failed is tried again with the next, and the clock
// is the one that was given.
func TestRoundsComeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		task := upkeep.Task{Name: "late", Do: func(_ context.Context, now time.Time) (int, error) {
			at = append(at, now.Sub(begun))
			return 0, errors.New("not yet")
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		k := upkeep.New(upkeep.Options{Every: time.Hour, Logger: slog.New(slog.DiscardHandler)}, task)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(150 * time.Minute)
		cancel()
		if err := <-done; err != nil || len(at) != 3 || at[0] != 0 || at[1] < 54*time.Minute || at[1] > 66*time.Minute {
			t.Errorf("rounds at %v, %v", at, err)
		}
	})
}

// What does not come to an end is cut off.
func TestAPieceHasABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		task := upkeep.Task{Name: "endless", Do: func(ctx context.Context, _ time.Time) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}}
		begun := time.Now()
		upkeep.New(upkeep.Options{Timeout: time.Second, Logger: slog.New(slog.DiscardHandler)}, task).Round(t.Context())
		if took := time.Since(begun); took != time.Second { // of the test's own clock
			t.Errorf("took %v", took)
		}
	})
}

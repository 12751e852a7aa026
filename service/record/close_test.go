package record_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// silentStore is one behind a link that swallows everything.
type silentStore struct{}

func (silentStore) Record(ctx context.Context, _ flow.Write) (flow.Cursor, error) {
	<-ctx.Done()
	return flow.NoCursor, &flow.Error{Code: flow.Unavailable, Cause: ctx.Err()}
}

func (s silentStore) RecordTogether(ctx context.Context, _ []flow.Write) ([]flow.Cursor, error) {
	_, err := s.Record(ctx, flow.Write{})
	return nil, err
}

// A server that stops waits for its database, and not for ever; whoever waits is told.
func TestClosingDoesNotWaitForASilentDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := record.New(silentStore{}, deaf{}, record.Options{Logger: slog.New(slog.DiscardHandler)})
		const flows = 40
		answers := make(chan error, flows)
		for i := range flows {
			go func() {
				_, err := r.Record(context.Background(), fmt.Sprint("d", i), []record.Item{{}})
				answers <- err
			}()
		}
		synctest.Wait()
		begun := time.Now()
		time.AfterFunc(10*time.Second, r.GiveUp)
		r.Close()
		if took := time.Since(begun); took > 11*time.Second { // of the bubble's own time
			t.Errorf("it took %v", took)
		}
		for range flows {
			if err := <-answers; flow.CodeOf(err) != flow.Unavailable {
				t.Errorf("somebody was told %v", err)
			}
		}
	})
}

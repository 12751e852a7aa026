package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/dbtest/faultproxy"
	"github.com/openova-io/provflow/service/flow"
)

// A link that swallows everything tells nobody that it does. Who asks without a bound of
// their own is told all the same that the database cannot be reached.
func TestNobodyWaitsForEverOnALinkThatSwallowsEverything(t *testing.T) {
	t.Parallel()
	proxy, err := faultproxy.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	store, err := db.Open(t.Context(), proxy.DSN(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.SchemaVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Swallow(true)
	ctx := context.Background()
	calls := map[string]func() error{
		"one row":       func() error { _, err := store.Answer(ctx, "d1", flow.Fingerprint{1}); return err },
		"rows":          func() error { _, err := store.Cursors(ctx, []string{"d1"}); return err },
		"a transaction": func() error { _, err := store.Jobs(ctx, "d1"); return err },
		"a pipeline":    func() error { _, err := store.ChangedSince(ctx, "d1", flow.NoCursor); return err },
		"a write":       func() error { _, err := store.DeleteFlow(ctx, "d1"); return err },
	}
	answers := make(chan error, len(calls))
	for name, call := range calls {
		go func() {
			err := call()
			if flow.CodeOf(err) != flow.Unavailable {
				t.Errorf("%s: got %v", name, err)
			}
			answers <- err
		}()
	}
	for range calls {
		select {
		case <-answers:
		case <-time.After(time.Minute):
			t.Fatal("somebody waits for ever")
		}
	}
}

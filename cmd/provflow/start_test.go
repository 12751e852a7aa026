package main

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/dbtest/faultproxy"
)

func migrated(t *testing.T, dsn string) {
	t.Helper()
	d := &database{url: dsn, direct: dsn}
	if err := d.migrate(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

// Whatever a start asks the database, it asks again when the link breaks or goes silent
// just then: nobody may be there to start the program once more.
func TestAStartOutlastsABrokenLink(t *testing.T) {
	t.Parallel()
	breakTrips(t, "empty", 4, dbtest.Empty, faultproxy.Lost, faultproxy.Unheard)
	breakTrips(t, "there", 10, dbtest.New, faultproxy.Lost, faultproxy.Unheard, faultproxy.Abandoned)
}

// breakTrips breaks one trip of migrating, and in the next migrating another, up to so many.
func breakTrips(t *testing.T, name string, most int, database func(testing.TB) string, kinds ...faultproxy.Kind) {
	t.Helper()
	calm := dbtest.Proxy(t, database(t))
	calm.Arm(faultproxy.Fault{})
	migrated(t, calm.DSN())
	trips, _ := calm.Disarm()
	for trip := 1; trip <= trips; trip += 1 + (trips-1)/most {
		for _, kind := range kinds {
			t.Run(fmt.Sprint(name, "/", kind, "/", trip), func(t *testing.T) {
				t.Parallel()
				proxy := dbtest.Proxy(t, database(t))
				proxy.Arm(faultproxy.Fault{Trip: trip, Kind: kind, Then: func() {}})
				migrated(t, proxy.DSN())
				if _, met := proxy.Disarm(); !met {
					t.Error("the fault was not met")
				}
			})
		}
	}
}

// bell is a log's place that says when something was written.
type bell chan struct{}

func (b bell) Write(text []byte) (int, error) {
	select {
	case b <- struct{}{}:
	default:
	}
	return len(text), nil
}

// The pool's first question comes after the migrations, on a link of its own.
func TestAStartWaitsForItsFirstAnswer(t *testing.T) {
	t.Parallel()
	proxy := dbtest.Proxy(t, dbtest.New(t))
	proxy.Refuse(true)
	warned := make(bell, 1)
	go func() {
		<-warned
		proxy.Refuse(false)
	}()
	dsn := proxy.DSN()
	p, err := wire(t.Context(), instance{database: &database{url: dsn, direct: dsn}, log: slog.New(slog.NewTextHandler(warned, nil))})
	if err != nil {
		t.Fatal(err)
	}
	p.store.Close()
}

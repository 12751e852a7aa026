package main

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/db/dbtest/faultproxy"
)

// prepare does with the database what a start does before it serves.
func prepare(t *testing.T, dsn string) {
	t.Helper()
	d, log := &database{url: dsn, direct: dsn}, slog.New(slog.DiscardHandler)
	if err := d.migrate(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	p, err := wire(t.Context(), instance{database: d, log: log})
	if err != nil {
		t.Fatal(err)
	}
	p.store.Close()
}

// Whatever a start asks the database, it asks again when the link breaks or goes silent
// just then: nobody may be there to start the program once more.
func TestAStartOutlastsABrokenLink(t *testing.T) {
	t.Parallel()
	everyTenth(t, "empty", dbtest.Empty, faultproxy.Lost, faultproxy.Unheard)
	everyTenth(t, "there", dbtest.New, faultproxy.Lost, faultproxy.Unheard, faultproxy.Abandoned)
}

// everyTenth breaks a tenth of the trips of a start, one in each.
func everyTenth(t *testing.T, name string, database func(testing.TB) string, kinds ...faultproxy.Kind) {
	t.Helper()
	calm := dbtest.Proxy(t, database(t))
	calm.Arm(faultproxy.Fault{})
	prepare(t, calm.DSN())
	trips, _ := calm.Disarm()
	for trip := 1; trip <= trips; trip += 1 + trips/10 {
		for _, kind := range kinds {
			t.Run(fmt.Sprint(name, "/", kind, "/", trip), func(t *testing.T) {
				t.Parallel()
				proxy := dbtest.Proxy(t, database(t))
				proxy.Arm(faultproxy.Fault{Trip: trip, Kind: kind, Then: func() {}})
				prepare(t, proxy.DSN())
				if _, met := proxy.Disarm(); !met {
					t.Error("the fault was not met")
				}
			})
		}
	}
}

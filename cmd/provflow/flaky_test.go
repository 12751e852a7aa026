package main

import (
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// What fails again and again, over four provisions, as one counts it by hand; and what the
// attempts that failed said of it.
func TestWhatFailsMostAndWhatItSaid(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	says := func(second float64, level, message string) string {
		return event(second, "component-log", "component", "keycloak", "level", level, "message", message)
	}
	r.post("well", component(0, "keycloak", "installing"), says(10, "warn", "slow"), component(60, "keycloak", "installed"))
	r.post("flaky", component(0, "keycloak", "installing"), says(50, "error", "no room"), component(60, "keycloak", "failed"),
		component(70, "keycloak", "installing"), says(110, "error", "no answer"), component(120, "keycloak", "failed"),
		component(130, "keycloak", "installing"), component(180, "keycloak", "installed"))
	r.post("failed", component(0, "keycloak", "installing"), component(90, "keycloak", "failed", "message", ""))
	r.post("running", component(0, "keycloak", "installing"), component(0, "loki", "pending"))
	for what, q := range map[string]struct{ sql, want string }{
		"flakiness": {
			`SELECT string_agg(format('%s %s %s %s %s %s %s', component, flows, flaky, failed, round(flaky_ratio::numeric, 2), failures,
				to_char(last_failed_at AT TIME ZONE 'UTC', 'HH24:MI:SS')), '; ' ORDER BY component) FROM analytics.flakiness`,
			"keycloak 3 1 1 0.33 3 12:02:00",
		},
		"errors": {
			`SELECT string_agg(format('%s %s %s %s %s %s', flow_id, component, attempt, line_number, to_char(at AT TIME ZONE 'UTC', 'HH24:MI:SS'), message),
				'; ' ORDER BY flow_id, at) FROM analytics.log_errors WHERE message LIKE 'no %'`,
			"flaky keycloak 1 1 12:00:50 no room; flaky keycloak 2 1 12:01:50 no answer",
		},
	} {
		if got := query[string](t, dsn, q.sql); got != q.want {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, q.want)
		}
	}
}

//go:build crash

package crash

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Analysts ask a hot standby, which nobody writes to, the same questions: every view, and
// the functions as of one moment.
func TestAHotStandbyAnswersAnalysts(t *testing.T) {
	f := newFleet(t)
	standby := f.newStandby(t)
	f.ordeal(t, func(r *rand.Rand) tally { pause(r, time.Second, 2*time.Second); return tally{} })
	primary := f.server().DSN()
	if n := ask[int](t, primary, `SELECT count(*) FROM analytics.timeline WHERE flow_id = 'crash-0'`); n == 0 {
		t.Error("there is nothing to ask about")
	}
	for _, question := range questions(t, primary) {
		want, got := ask[string](t, primary, question), ""
		if !eventually(patience, func() bool { got = ask[string](t, standby.DSN(), question); return got == want }) {
			t.Errorf("%s: the primary says %.200s, the standby %.200s", question, want, got)
		}
	}
}

// questions are such that asking later gives the same answer.
func questions(t *testing.T, dsn string) (all []string) {
	t.Helper()
	views := ask[[]string](t, dsn, `SELECT array_agg(table_name::text) FROM information_schema.views WHERE table_schema = 'analytics'`)
	for _, view := range views {
		all = append(all, `SELECT count(*)::text FROM analytics.`+view)
	}
	for _, call := range []string{
		`live_timeline('crash-0', '2100-01-01')`, `live_provision('crash-0', '2100-01-01')`, `at('crash-0', '2100-01-01', '2100-01-01')`,
		`estimate('crash-0', '2100-01-01')`, `diagnose('crash-0')`, `component_stats('2000-01-01', '2100-01-01')`,
	} {
		all = append(all, `SELECT coalesce(string_agg(a::text, ' ' ORDER BY a::text), '') FROM analytics.`+call+` a`)
	}
	return all
}

//go:build crash

package crash

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// journal holds what the writers noted against what the database has.
type journal struct {
	sent, acked, unknown, tookEffect int
	lost, doubled, wrong, foreign    []string
}

func newJournal(t *testing.T, f *fleet, ws *writers) *journal {
	t.Helper()
	found := f.marks(t)
	j := &journal{}
	for _, w := range ws.all {
		j.wrong = append(j.wrong, w.wrong...)
		for _, s := range w.sent {
			j.look(s, found[s.flow+" "+s.mark])
			delete(found, s.flow+" "+s.mark)
		}
	}
	for mark := range found {
		j.foreign = append(j.foreign, mark)
	}
	return j
}

func (j *journal) look(s *sent, times int) {
	j.sent++
	if s.acked {
		j.acked++
	} else {
		j.unknown++
		j.tookEffect += min(times, 1)
	}
	if s.acked && times == 0 {
		j.lost = append(j.lost, s.mark)
	}
	if times > 1 {
		j.doubled = append(j.doubled, fmt.Sprintf("%s stands %d times, sent %d times", s.mark, times, s.tries))
	}
}

// marks counts what is in the database: lines of log, and nodes.
func (f *fleet) marks(t *testing.T) map[string]int {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), f.server().DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(context.Background(), `
		SELECT flow_id || ' ' || message, count(*) FROM log_lines GROUP BY 1
		UNION ALL
		SELECT flow_id || ' ' || job_id, count(*) FROM jobs WHERE job_id LIKE '%#%' GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	var mark string
	var times int
	if _, err := pgx.ForEachRow(rows, []any{&mark, &times}, func() error { found[mark] = times; return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

func (j *journal) judge(t *testing.T) {
	t.Helper()
	for what, marks := range map[string][]string{
		"acknowledged and lost": j.lost, "there more than once": j.doubled,
		"an answer that must not come": j.wrong, "there and never sent": j.foreign,
	} {
		if len(marks) > 0 {
			t.Errorf("%s: %d, among them %v", what, len(marks), marks[:min(len(marks), 5)])
		}
	}
	if j.acked == 0 {
		t.Error("nothing was acknowledged")
	}
}

package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
)

// boundDeletions has every statement fail that deletes more of a history than one portion.
func boundDeletions(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	mustExec(t, conn, `CREATE FUNCTION refuse_many() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF (SELECT count(*) FROM gone) > 3 THEN RAISE 'too many rows at once of %', TG_TABLE_NAME; END IF;
			RETURN NULL;
		END $$`)
	for _, table := range []string{"log_lines", "transitions", "idempotency_keys"} {
		mustExec(t, conn, `CREATE TRIGGER few AFTER DELETE ON `+table+`
			REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION refuse_many()`)
	}
}

// remember gives a flow a long history: lines of many executions and days, transitions and keys.
func remember(t *testing.T, conn *pgx.Conn, flowID string) {
	t.Helper()
	for _, sql := range []string{
		`INSERT INTO log_lines SELECT $1, 'x' || n % 7, n, date '2026-03-31' + n % 3, now(), 'info', 'm' FROM generate_series(1, 20) n`,
		`INSERT INTO transitions (flow_id, job_id, version, from_status, to_status, occurred_at, recorded_at)
			SELECT $1, 'j', n, 'pending', 'running', now(), now() FROM generate_series(1, 10) n`,
		`INSERT INTO idempotency_keys SELECT $1, int8send(n), NULL, now() FROM generate_series(1, 10) n`,
	} {
		if _, err := conn.Exec(t.Context(), sql, flowID); err != nil {
			t.Fatal(err)
		}
	}
}

// A flow with a history that is too long for one statement goes in portions, and goes
// entirely; nothing goes of another.
func TestALongHistoryIsRemovedInPortions(t *testing.T) {
	t.Parallel()
	store, dsn := setup(t)
	ensure(t, store, noon, 0, 1)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	store.InPortionsOf(3)
	boundDeletions(t, conn)
	attempt(t, store, "beside", noon, 3)
	for name, remove := range map[string]func(*db.Store) error{
		"deleted":                 func(s *db.Store) error { _, err := s.DeleteFlow(t.Context(), "f"); return err },
		"deleted with its record": func(s *db.Store) error { return s.DeleteDeployment(t.Context(), "f") },
		"expired": func(s *db.Store) error {
			id, err := s.ExpireFlow(t.Context(), noon)
			if id != "f" {
				t.Errorf("expired %q", id)
			}
			return err
		},
	} {
		ended(t, store, "f", noon.Add(-48*time.Hour))
		keepTimelines(t, store)
		remember(t, conn, "f")
		if err := remove(store); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		left := column(t, dsn, `SELECT 'line of ' || flow_id FROM log_lines UNION ALL SELECT 'transition' FROM transitions WHERE flow_id = 'f'
			UNION ALL SELECT 'key' FROM idempotency_keys WHERE flow_id = 'f' UNION ALL SELECT 'flow' FROM flows WHERE flow_id = 'f'`)
		if len(left) != 3 || left[0] != "line of d" {
			t.Errorf("%s: %d are left, first %q", name, len(left), left[:min(len(left), 1)])
		}
	}
}

package db

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/service/flow"
)

// A line that meets the making of its partition is tried again; what breaks a rule of ours is not.
func TestARowThatMeetsTheMakingOfItsPartitionIsTriedAgain(t *testing.T) {
	t.Parallel()
	for constraint, want := range map[string]flow.Code{"": flow.Unavailable, "jobs_status_known": flow.Conflict} {
		err := mapError(&pgconn.PgError{Code: "23514", TableName: "log_lines_default", ConstraintName: constraint})
		if flow.CodeOf(err) != want {
			t.Errorf("of constraint %q: got %v, want %v", constraint, err, want)
		}
	}
}

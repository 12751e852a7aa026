package db

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openova-io/provflow/service/flow"
)

// mapError gives an error of the database a code. What may be tried again becomes
// Unavailable: the server away, shutting down, out of connections, a lock or a
// serialization that did not work out, and a COMMIT of which nobody knows the outcome.
func mapError(err error) error {
	var (
		pg    *pgconn.PgError
		known *flow.Error
		lost  net.Error
		dial  *pgconn.ConnectError
	)
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return &flow.Error{Code: flow.NotFound, Slug: "not-found", Detail: "there is no such row", Cause: err}
	case errors.As(err, &pg):
		return mapPostgres(pg)
	case errors.As(err, &dial), errors.As(err, &lost), pgconn.Timeout(err), closedConnection(err),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable(err)
	}
	return &flow.Error{Code: flow.Internal, Slug: "internal", Detail: "see the log", Cause: err}
}

// SQLSTATEs that say more than their class.
const (
	checkViolation = "23514"
	limitExceeded  = "54000"
	readOnly       = "25006"
	pausedTooLong  = "25P03"
)

// mapPostgres reads the class of a SQLSTATE; see the appendix of PostgreSQL's manual.
func mapPostgres(pg *pgconn.PgError) error {
	switch class := pg.Code[:min(2, len(pg.Code))]; class {
	case "08", "40", "53", "55", "57", "58":
		return unavailable(pg)
	case "23":
		if pg.Code == checkViolation && pg.ConstraintName == "" {
			// A row was on its way into the default partition while its own was made; the
			// next try finds that one. Our own checks have names.
			return unavailable(pg)
		}
		if pg.ConstraintName == "" { // NOT NULL: no caller's doing
			break
		}
		return &flow.Error{Code: flow.Conflict, Slug: "constraint", Detail: "the state does not allow it: " + pg.ConstraintName, Cause: pg}
	case "22":
		return &flow.Error{Code: flow.Invalid, Slug: "invalid-data", Detail: "the database refused a value", Cause: pg}
	}
	switch pg.Code {
	case readOnly, pausedTooLong: // the old primary after a failover; a link that stood still
		return unavailable(pg)
	case limitExceeded: // of a key; nothing but ids is long in one
		return &flow.Error{Code: flow.Invalid, Slug: "ids-too-long", Detail: "an id, or some that are kept together, have no room in the database's keys; use shorter ones", Cause: pg}
	}
	return &flow.Error{Code: flow.Internal, Slug: "internal", Detail: "see the log", Cause: pg}
}

func unavailable(err error) error {
	return &flow.Error{
		Code: flow.Unavailable, Slug: "database-unavailable",
		Detail: "the database cannot be reached; nothing was lost, try again shortly", Cause: err,
	}
}

// closedConnection recognises what pgx says of a connection that went away under it.
func closedConnection(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return true
	}
	text := err.Error()
	for _, s := range []string{"conn closed", "closed pool", "unexpected EOF", "EOF", "broken pipe", "connection reset", "failed to connect"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

package embedded

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// bootstrap makes the application's user and database where they are missing. The
// user may create databases (tests clone theirs) and roles (analysts get one that
// only reads), but is no superuser: what works here works on a managed server.
func bootstrap(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, step := range []struct{ name, missing, create string }{
		{appUser, "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", "CREATE ROLE " + appUser + " LOGIN CREATEDB CREATEROLE"},
		{database, "SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = $1)", "CREATE DATABASE " + database + " OWNER " + appUser},
	} {
		var missing bool
		if err := conn.QueryRow(ctx, step.missing, step.name).Scan(&missing); err != nil {
			return fmt.Errorf("looking for the application's database: %w", err)
		}
		if !missing {
			continue
		}
		if _, err := conn.Exec(ctx, step.create); err != nil {
			return fmt.Errorf("creating the application's database: %w", err)
		}
	}
	return nil
}

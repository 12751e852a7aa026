package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/embedded"
	"github.com/openova-io/provflow/service/access"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it; it is shown this once."`
	List   tokenListCmd   `cmd:"" help:"List the tokens, without their secrets."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token and the browser sessions made with it."`
}

type tokenCreateCmd struct {
	databaseFlags
	Name    string        `required:"" placeholder:"NAME" help:"What it is for."`
	Scope   []string      `required:"" placeholder:"SCOPE" help:"What it may do: read, logs, ingest, admin; several with commas between."`
	Prefix  string        `placeholder:"PREFIX" help:"Only for deployments whose ids begin so, such as acme-."`
	Expires time.Duration `placeholder:"TIME" help:"How long it is good for, such as 720h; for ever where it is not given."`
}

func (c *tokenCreateCmd) Run(ctx context.Context) error {
	scopes, err := access.ParseScopes(c.Scope)
	if err != nil {
		return err
	}
	var ends time.Time
	now := time.Now()
	if c.Expires < 0 {
		return errors.New("--expires is in the past")
	}
	if c.Expires > 0 {
		ends = now.Add(c.Expires)
	}
	text, t, err := access.NewToken(c.Name, scopes, c.Prefix, now, ends)
	if err != nil {
		return err
	}
	err = c.withStore(ctx, func(store *db.Store) error { return store.AddAccessToken(ctx, t) })
	if err != nil {
		return err
	}
	fmt.Println(text) // alone on standard output, for scripts
	fmt.Fprintf(os.Stderr, "Token %s (%s). Keep it now: it cannot be shown again.\n", t.ID, strings.Join(scopes.Strings(), ", "))
	if c.Prefix != "" && !strings.HasSuffix(c.Prefix, "-") {
		fmt.Fprintf(os.Stderr, "It is for every deployment whose id begins with %s: also for %s1 and %sx-1.\n", c.Prefix, c.Prefix, c.Prefix)
	}
	return nil
}

type tokenListCmd struct{ databaseFlags }

func (c *tokenListCmd) Run(ctx context.Context) error {
	return c.withStore(ctx, func(store *db.Store) error {
		tokens, err := store.AccessTokens(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tSCOPES\tPREFIX\tSTATE\tCREATED\tEXPIRES\tLAST USED")
		for _, t := range tokens {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, strings.Join(t.Scopes.Strings(), ","), orDash(t.Prefix), t.State(now),
				day(t.CreatedAt), day(t.ExpiresAt), day(t.LastUsedAt))
		}
		return w.Flush()
	})
}

type tokenRevokeCmd struct {
	databaseFlags
	ID string `arg:"" help:"The token's id, from the list; not the token."`
}

func (c *tokenRevokeCmd) Run(ctx context.Context) error {
	// Who gives the token itself means its id.
	id, _, _ := strings.Cut(strings.TrimPrefix(c.ID, "pvf_"), "_")
	err := c.withStore(ctx, func(store *db.Store) error { return store.RevokeAccessToken(ctx, id) })
	if err == nil {
		fmt.Printf("revoked; servers refuse it within %s and end its streams within a minute\n", access.Remember)
	}
	return err
}

// withStore opens the database beside a server that runs: a token is most often made when
// there is one already.
func (f databaseFlags) withStore(ctx context.Context, do func(*db.Store) error) error {
	log := slog.Default()
	d, err := f.open(ctx, log)
	var running *embedded.InUseError
	if errors.As(err, &running) {
		d, err = &database{url: running.DSN(), direct: running.DSN()}, nil
	}
	if err != nil {
		return err
	}
	defer d.close(log)
	if err := d.migrate(ctx, log); err != nil {
		return err
	}
	store, err := d.store(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return do(store)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

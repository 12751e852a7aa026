package db

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// Record carries out a write in one transaction under the flow's lock and gives the
// cursor at which it is durable. Unavailable says that it may be sent again: its keys make
// sure that it has its effect once, even where a COMMIT went through unheard.
//
// A writer that wrote the flow last needs two round trips: one begins the transaction,
// takes the lock and claims the keys, the other writes and commits.
func (s *Store) Record(ctx context.Context, w flow.Write) (flow.Cursor, error) {
	var d decided
	err := s.writing(ctx, func(conn *pgxpool.Conn) error {
		c, err := s.begin(ctx, conn, w)
		if err != nil {
			return err
		}
		if d, err = s.decide(ctx, conn, w, c); err != nil {
			return err
		}
		return s.commit(ctx, conn, d)
	})
	return d.at, err
}

// writing lends a connection to a transaction, which ends with it in any case.
func (s *Store) writing(ctx context.Context, do func(*pgxpool.Conn) error) error {
	return mapError(s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		err := do(conn)
		if err != nil {
			rollBack(ctx, conn)
		}
		return err
	}))
}

// decided is what a write does to its flow, and the cursor that it then has.
type decided struct {
	flowID string
	at     flow.Cursor
	flow.Changes
}

// decide lets the writer decide on what it does not know yet.
func (s *Store) decide(ctx context.Context, conn *pgxpool.Conn, w flow.Write, c claim) (decided, error) {
	d := decided{flowID: w.FlowID, at: flow.Cursor{Epoch: c.row.Epoch, Version: c.row.Version}}
	state, err := s.readState(ctx, dbsqlc.New(conn), w, c.row)
	if err != nil {
		return d, err
	}
	if d.Changes = w.Decide(state, c.fresh); d.Moves() {
		d.at.Version++
	}
	return d, nil
}

// claim is the flow's row under lock, where there is one, and which of the keys are new. It
// is not had by a writer whose term is over.
type claim struct {
	row    *dbsqlc.FlowLockRow
	exists bool
	fresh  []bool
}

// begin takes the flow's row lock and claims the write's keys. Where the flow's row, or
// its deployment's, is missing it is made.
func (s *Store) begin(ctx context.Context, conn *pgxpool.Conn, w flow.Write) (claim, error) {
	p := &pipeline{}
	p.batch.Queue("BEGIN")
	_, _ = s.claim(ctx, dbsqlc.New(p), w)
	results := conn.SendBatch(ctx, &p.batch)
	var c claim
	_, err := results.Exec()
	if err == nil {
		c, err = s.claim(ctx, dbsqlc.New(answers{results: results}), w)
	}
	if err = cmp.Or(err, results.Close()); err != nil {
		return c, err
	}
	if !c.exists && w.Existing {
		return c, flow.NotFoundf("flow-not-found", "there is no flow %q", w.FlowID)
	}
	if !c.exists || w.Deployment && !c.row.HasDeployment {
		c.row, err = s.create(ctx, dbsqlc.New(conn), w)
	}
	return c, err
}

// claim asks for the lock, then for the keys.
func (s *Store) claim(ctx context.Context, q *dbsqlc.Queries, w flow.Write) (c claim, err error) {
	c.row, err = q.FlowLock(ctx, w.FlowID)
	if c.exists = err == nil; err != nil && !errors.Is(err, pgx.ErrNoRows) && !errors.Is(err, errQueued) {
		return c, err
	}
	if err = holdTerms(ctx, q, w); err != nil {
		return c, err
	}
	c.fresh, err = s.register(ctx, q, w)
	return c, err
}

// create makes the rows that are missing and takes the lock.
func (s *Store) create(ctx context.Context, q *dbsqlc.Queries, w flow.Write) (row *dbsqlc.FlowLockRow, err error) {
	now := stamp(s.now())
	if w.Deployment {
		if err := q.DeploymentEnsure(ctx, dbsqlc.DeploymentEnsureParams{DeploymentID: w.FlowID, Now: now}); err != nil {
			return row, err
		}
	}
	if err := q.FlowEnsure(ctx, dbsqlc.FlowEnsureParams{FlowID: w.FlowID, Epoch: newEpoch(), Now: now}); err != nil {
		return row, err
	}
	return q.FlowLock(ctx, w.FlowID)
}

// register claims the write's keys and says which of them are new.
func (s *Store) register(ctx context.Context, q *dbsqlc.Queries, w flow.Write) ([]bool, error) {
	fresh, err := s.registerAll(ctx, q, []flow.Write{w})
	return fresh[0], err
}

// registerAll is the same of several writes; what has no key is always new.
func (s *Store) registerAll(ctx context.Context, q *dbsqlc.Queries, ws []flow.Write) ([][]bool, error) {
	p, fresh := keyParams(ws), make([][]bool, len(ws))
	var inserted []*dbsqlc.KeyInsertNewRow
	var err error
	if p.Now = stamp(s.now()); len(p.Keys) > 0 {
		inserted, err = q.KeyInsertNew(ctx, p)
	}
	added := make(map[flowKey]bool, len(inserted))
	for _, r := range inserted {
		added[flowKey{r.FlowID, flow.Fingerprint(r.Key)}] = true
	}
	for i, w := range ws {
		fresh[i] = freshOf(w, added)
	}
	return fresh, err
}

// readState reads what the writer does not know yet; nothing, where it wrote last.
func (s *Store) readState(ctx context.Context, q *dbsqlc.Queries, w flow.Write, row *dbsqlc.FlowLockRow) (flow.State, error) {
	at := flow.Cursor{Epoch: row.Epoch, Version: row.Version}
	state := flow.State{
		Delta:      flow.Delta{From: w.Known, To: at},
		Deployment: flow.Deployment{ID: w.FlowID, Provider: row.Provider, Regions: row.Regions},
		Now:        s.now(),
	}
	if w.Known == at {
		return state, nil
	}
	var err error
	if state.Delta, err = readDelta(ctx, q, w.FlowID, w.Known); err != nil {
		return state, err
	}
	since := w.Known.Version
	if state.Reset {
		since = all
	}
	cursors, err := q.BridgeCursorListChangedSince(ctx, dbsqlc.BridgeCursorListChangedSinceParams{FlowID: w.FlowID, Since: since})
	for _, c := range cursors {
		state.Cursors = append(state.Cursors, bridgeCursorOf(c))
	}
	return state, err
}

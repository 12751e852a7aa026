package db

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// RecordTogether carries out writes of several flows in one transaction and gives, in their
// order, the cursors at which they are durable. A write is left out, with NoCursor, where
// its flow is held by somebody else or has to be made: nobody is waited for, so that no two
// such transactions can wait for each other. With an error none was carried out, as far as
// is known. Writes with fences are not for it.
func (s *Store) RecordTogether(ctx context.Context, ws []flow.Write) ([]flow.Cursor, error) {
	ats := make([]flow.Cursor, len(ws))
	return ats, s.writing(ctx, func(conn *pgxpool.Conn) error {
		claims, err := s.beginTogether(ctx, conn, ws)
		if err != nil {
			return err
		}
		var all []decided
		for i, w := range ws {
			if !claims[i].exists {
				continue
			}
			d, err := s.decide(ctx, conn, w, claims[i])
			if err != nil {
				return err
			}
			all, ats[i] = append(all, d), d.at
		}
		return s.commit(ctx, conn, all...)
	})
}

// beginTogether takes the locks that are free, and claims the keys of those writes.
func (s *Store) beginTogether(ctx context.Context, conn *pgxpool.Conn, ws []flow.Write) ([]claim, error) {
	rows, err := lockFree(ctx, conn, ws)
	if err != nil {
		return nil, err
	}
	claims, claimed := make([]claim, len(ws)), make([]flow.Write, len(ws))
	for i, w := range ws {
		if c, free := rows[w.FlowID]; free && (c.HasDeployment || !w.Deployment) {
			claims[i], claimed[i] = claim{row: c, exists: true}, w
		}
	}
	fresh, err := s.registerAll(ctx, dbsqlc.New(conn), claimed)
	for i := range claims {
		claims[i].fresh = fresh[i]
	}
	return claims, err
}

// lockFree begins a transaction that holds those of the flows that are free.
func lockFree(ctx context.Context, conn *pgxpool.Conn, ws []flow.Write) (map[string]*dbsqlc.FlowLockRow, error) {
	ids := make([]string, len(ws))
	for i, w := range ws {
		ids[i] = w.FlowID
	}
	p := &pipeline{}
	p.batch.Queue("BEGIN")
	_, _ = dbsqlc.New(p).FlowLockFree(ctx, ids)
	results := conn.SendBatch(ctx, &p.batch)
	var rows []*dbsqlc.FlowLockFreeRow
	_, err := results.Exec()
	if err == nil {
		rows, err = dbsqlc.New(answers{results: results}).FlowLockFree(ctx, ids)
	}
	held := make(map[string]*dbsqlc.FlowLockRow, len(rows))
	for _, r := range rows {
		held[r.FlowID] = &dbsqlc.FlowLockRow{
			Epoch: r.Epoch, Version: r.Version, HasDeployment: r.HasDeployment, Provider: r.Provider, Regions: r.Regions,
		}
	}
	return held, cmp.Or(err, results.Close())
}

package modeltest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db"
	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// The database is put back to an earlier copy of itself while a replica serves from it, and
// goes on until its versions have passed those of the history that is lost. Who knew that
// one is given the whole flow, and nobody a delta counted in it.
func TestADatabaseThatIsPutBackIsAnotherHistory(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	server := newServer(t, dsn)
	r := newReplica(t, dsn, options(64, 1<<20, time.Minute))
	truth := newTruth(t, open(t, dsn), "d")
	w := &world{replicas: []*replica{r}, truth: truth}
	step := func(n int) {
		t.Helper()
		if err := w.send(r, component(t, n)); err != nil {
			t.Fatal(err)
		}
		truth.observe()
	}
	step(1)
	copied := server.copy()
	truth.store = open(t, dsn)
	step(2)
	step(3)
	there := subscribe(t, truth, r, flow.NoCursor)
	defer there.close()
	there.converge()
	lost := there.at

	server.putBack(copied)
	truth.store = open(t, dsn)
	truth.observe()
	for n := 4; truth.at.Version <= lost.Version; n++ {
		step(n)
	}
	there.converge()
	comes := subscribe(t, truth, r, lost)
	defer comes.close()
	comes.converge()
	if _, shown := comes.state.nodes.values["d:install-c2"]; shown || comes.at.Epoch == lost.Epoch {
		t.Errorf("at %v it still shows what is lost:\n%v", comes.at, comes.state)
	}
}

func open(t testing.TB, dsn string) *db.Store {
	t.Helper()
	store, err := db.Open(context.Background(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

func component(t testing.TB, n int) request {
	t.Helper()
	line := fmt.Sprintf(`{"time":"2026-04-01T12:00:%02dZ","phase":"component","component":"c%[1]d","state":"installing"}`, n)
	e, err := bridge.ParseEvent([]byte(line), noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return request{items: []record.Item{{Observation: e, Key: bridge.NewFingerprints("").Of(e), OfDeployment: true}}}
}

// server is what an operator does to databases, from another one.
type server struct {
	t    testing.TB
	conn *pgx.Conn
	name string
}

func newServer(t testing.TB, dsn string) *server {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, name: cfg.Database}
	cfg.Database = "postgres"
	if s.conn, err = pgx.ConnectConfig(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close(context.Background()) })
	return s
}

func (s *server) exec(sql string) {
	s.t.Helper()
	if _, err := s.conn.Exec(context.Background(), sql); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// alone does something to the database while nobody is connected to it.
func (s *server) alone(sql ...string) {
	s.t.Helper()
	s.exec(`ALTER DATABASE ` + s.name + ` ALLOW_CONNECTIONS false`)
	s.exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = '` + s.name + `'`)
	for _, each := range sql {
		s.exec(each)
	}
}

func (s *server) copy() (name string) {
	s.t.Helper()
	name = s.name + "_copy"
	s.alone(`CREATE DATABASE `+name+` TEMPLATE `+s.name, `ALTER DATABASE `+s.name+` ALLOW_CONNECTIONS true`)
	return name
}

func (s *server) putBack(copied string) {
	s.t.Helper()
	gone := s.name + "_gone"
	s.alone(`ALTER DATABASE `+s.name+` RENAME TO `+gone, `ALTER DATABASE `+copied+` RENAME TO `+s.name, `DROP DATABASE `+gone)
}

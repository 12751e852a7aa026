package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/flow"
)

func TestHelpEverywhere(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "serve", "migrate", "migrate up", "migrate status", "token", "token create", "token list", "token revoke", "record", "demo", "report", "report timeline", "report compare", "report components", "report fleet", "check", "version"} {
		run(t, nil, append(strings.Fields(args), "--help")...).want(t, 0, "Usage: provflow", args)
	}
	run(t, nil, "serve", "--help").want(t, 0, "--listen", "PROVFLOW_LISTEN", "--data-dir", "PROVFLOW_DATA_DIR", "DATABASE_URL", "DATABASE_URL_DIRECT")
	run(t, nil, "version").want(t, 0, "provflow "+version)
	for _, mistake := range []string{"serv", "serve --lisen 127.0.0.1:0"} {
		if o := run(t, nil, strings.Fields(mistake)...); o.code == 0 || !strings.Contains(o.text, "--help") || strings.Count(o.text, "\n") > 6 {
			t.Errorf("%s: %s", mistake, o)
		}
	}
}

// A server that cannot be as it was asked to be says what to do, before it makes anything.
func TestRefusesToServe(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	tests := []struct{ name, listen, words string }{
		{"every interface", "0.0.0.0:8080", "PROVFLOW_ACCESS=on|provflow token create|PROVFLOW_OIDC_ISSUER|127.0.0.1:8080"},
		{"every interface of IPv6", "[::]:8080", "PROVFLOW_ACCESS=on"},
		{"no host", ":8080", "PROVFLOW_ACCESS=on"},
		{"another machine's name", "example.org:80", "PROVFLOW_ACCESS=on"},
		{"no port", "garbage", "missing port|127.0.0.1:8080"},
		{"no such port", "127.0.0.1:http-alt-alt", "choose another address with --listen"},
		{"a port in use", taken.Addr().String(), taken.Addr().String() + "|in use|choose another address with --listen"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			run(t, nil, "serve", "--data-dir", dir, "--listen", tt.listen).want(t, 1, strings.Split(tt.words, "|")...)
			run(t, []string{"PROVFLOW_DATA_DIR=" + dir, "PROVFLOW_LISTEN=" + tt.listen}, "serve").want(t, 1, tt.listen)
			if _, err := os.Stat(dir); err == nil {
				t.Error("a data folder was made")
			}
		})
	}
}

func TestAMistakenDatabaseURLIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve --listen 127.0.0.1:0", "migrate up", "migrate status", "check"} {
		run(t, []string{"DATABASE_URL=postgres://user:pa%zz@host/x"}, strings.Fields(command)...).want(t, 1, "DATABASE_URL")
		run(t, []string{"DATABASE_URL=nonsense"}, strings.Fields(command)...).want(t, 1, "DATABASE_URL")
	}
}

// A server that is not there yet is waited for, and what is awaited is said; the wait
// can be ended.
func TestAnAbsentDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	nobody := "DATABASE_URL=postgres://user:hidden@127.0.0.1:1/x?sslmode=disable"
	p := beginWith(t, []string{nobody}, "serve", "--listen", "127.0.0.1:0")
	eventually(t, "a word about the database", func() bool { return strings.Contains(p.said(), "the database is not ready; trying again") })
	if code := p.terminate(); code != 1 || !strings.Contains(p.said(), "is DATABASE_URL right") || strings.Contains(p.said(), "hidden") {
		t.Errorf("exit code %d: %s", code, p.said())
	}
	for _, command := range []string{"migrate status", "check"} {
		run(t, []string{nobody}, strings.Fields(command)...).want(t, 1, "provflow:")
	}
}

func TestMigrateAndCheck(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + dbtest.Empty(t)}
	run(t, env, "migrate", "status").want(t, 0, "00001_flows.sql", "pending")
	run(t, env, "migrate", "up").want(t, 0, "the schema is at version")
	run(t, env, "migrate", "up").want(t, 0, "the schema is at version")
	if o := run(t, env, "migrate", "status"); strings.Contains(o.text, "pending") {
		t.Error(o)
	}
	run(t, env, "check").want(t, 0, "0 flows checked, 0 roll-ups differ")
	run(t, env, "check", "nobody").want(t, 1, `there is no flow "nobody"`)
}

// During an upgrade a program finds the schema of the next one, and says so.
func TestANewerSchemaIsServedAndTold(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	query[int64](t, dsn, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true) RETURNING version_id`)
	p := serveProgram(t, "DATABASE_URL="+dsn)
	if !strings.Contains(p.said(), "a newer program has brought the schema up to date") {
		t.Error(p.said())
	}
}

func TestCheckFindsWhatSQLHasBroken(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	start(t, dsn).post("d1", event(0, "tofu-init"), component(5, "x", "installing"))
	env := []string{"DATABASE_URL=" + dsn}
	run(t, env, "check").want(t, 0, "1 flows checked, 0 roll-ups differ")
	query[string](t, dsn, `UPDATE jobs SET status = 'pending' WHERE job_id = 'd1:bootstrap-kit' RETURNING job_id`)
	run(t, env, "check", "d1").want(t, 1, "d1:bootstrap-kit: stored pending", "1 roll-ups differ")
}

// A client is there when the operator says that the database was put back: its stream ends,
// and with the cursor it has it is given the whole flow.
func TestWhoKnewAnotherHistoryIsGivenTheWholeFlow(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1", event(0, "tofu-init"))
	s := r.stream("d1", "")
	s.until(r, "d1")
	run(t, []string{"DATABASE_URL=" + dsn}, "restored").want(t, 0, "1 flows have another history")
	for ok := true; ok; {
		_, ok = s.next()
	}
	again := r.stream("d1", s.state.Cursor)
	if f, _ := again.next(); f.event != flow.TypeSnapshot || f.id == s.state.Cursor {
		t.Errorf("frame %+v", f)
	}
}

// Stopped in good order, the program ends its streams and its server, and the next start
// has nothing to recover.
func TestStopsInGoodOrder(t *testing.T) {
	t.Parallel()
	p := launch(t, dataDir(t))
	p.post("d1", event(0, "tofu-init"))
	s := p.stream("d1", "")
	s.until(p.replica, "d1")
	want, postgres := p.snapshot("d1"), p.postgresPID()
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.said())
	}
	for ok := true; ok; {
		_, ok = s.next()
	}
	if alive(postgres) || p.postgresPID() != 0 {
		t.Errorf("its server still runs: %d", postgres)
	}
	p = launch(t, p.dir)
	if got := p.snapshot("d1"); got.String() != want.String() || got.Cursor != want.Cursor {
		t.Errorf("was %s, is %s", want, got)
	}
	log, err := os.ReadFile(filepath.Join(p.dir, "postgres.log"))
	if err != nil || strings.Contains(string(log), "automatic recovery") {
		t.Errorf("%v, the server had to recover: %s", err, log)
	}
}

func TestASecondProgramOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	p := launch(t, dataDir(t))
	for _, command := range []string{"serve --listen 127.0.0.1:0", "migrate up", "check"} {
		args := append(strings.Fields(command), "--data-dir", p.dir)
		run(t, nil, args...).want(t, 1, "another provflow (process "+strconv.Itoa(p.cmd.Process.Pid)+")", "--data-dir")
	}
	p.post("d1", event(0, "tofu-init")) // and costs the first one nothing
}

// Root's own home is closed to the user who runs the server: the data goes elsewhere,
// the program says where, and finds it again.
func TestRootsClosedFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root changes the server's user")
	}
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "data")
	p := launch(t, dir)
	p.dir = elsewhere(t, p.said())
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) })
	p.post("d1", event(0, "tofu-init"))
	want := p.snapshot("d1").String()
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.said())
	}
	again := launch(t, dir)
	if got := again.snapshot("d1").String(); got != want {
		t.Errorf("was %s, is %s", want, got)
	}
	if code := again.terminate(); code != 0 {
		t.Errorf("exit code %d: %s", code, again.said())
	}
}

// elsewhere finds in the log where the data went.
func elsewhere(t *testing.T, log string) string {
	t.Helper()
	_, rest, _ := strings.Cut(log, "the data is kept elsewhere")
	_, rest, found := strings.Cut(rest, " dir=")
	if !found {
		t.Fatalf("the log does not say where the data is: %s", log)
	}
	dir, _, _ := strings.Cut(rest, " ")
	return dir
}

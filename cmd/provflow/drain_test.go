package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/openova-io/provflow/db/dbtest"
)

// manyStreams as far as the machine lets a process have so many files: each takes two.
func manyStreams(t *testing.T) int {
	t.Helper()
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	const want = 1000
	if files.Cur < 2*want+500 {
		t.Skipf("a process may have %d files open; %d are needed", files.Cur, 2*want+500)
	}
	return want
}

// wholeStream ends between two frames, with another `retry:` than it began with.
var wholeStream = regexp.MustCompile(`^retry: \d+\n\n(event: .+\n(id: .+\n)?data: .+\n\n)+retry: \d+\n\n$`)

// readToItsEnd gives all of a stream once it has ended in good order, else what is wrong.
// begun gets a word when the first event has come.
func readToItsEnd(client *http.Client, url string, begun chan<- struct{}) string {
	res, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	var text strings.Builder
	in := bufio.NewReader(io.TeeReader(res.Body, &text))
	for told := false; ; {
		line, err := in.ReadString('\n')
		if !told && strings.HasPrefix(line, "data: ") {
			told = true
			begun <- struct{}{}
		}
		switch {
		case err == io.EOF && wholeStream.MatchString(text.String()):
			return ""
		case err != nil:
			return fmt.Sprintf("%v after %q", err, text.String())
		}
	}
}

// writeUntilRefused posts lines, one at a time, until the server is gone. It gives how
// many were acknowledged, how many of them after `told` was closed, and other answers.
func writeUntilRefused(client *http.Client, url string, told <-chan struct{}) (acked, late int, wrong []string) {
	for {
		after := false
		select {
		case <-told:
			after = true
		default:
		}
		line := event(float64(acked), "tofu", "message", fmt.Sprint("line ", acked))
		res, err := client.Post(url+"/api/v1/deployments/d1/provisioner-events", "application/x-ndjson", strings.NewReader(line))
		if err != nil {
			return acked, late, wrong
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		switch res.StatusCode {
		case http.StatusOK:
			if acked++; after {
				late++
			}
		case http.StatusServiceUnavailable:
		default:
			wrong = append(wrong, fmt.Sprint(res.StatusCode, string(body)))
		}
	}
}

// It counts goroutines, so nothing else may run meanwhile: it is not parallel.
func TestAThousandStreamsAreDrained(t *testing.T) { //nolint:paralleltest // see above
	dsn, n := dbtest.New(t), manyStreams(t)
	before := goleak.IgnoreCurrent()
	r := startAs(t, dsn, instance{operation: operation{drain: 3 * time.Second}})
	r.post("d1", event(0, "tofu-init"), event(0, "tofu", "message", "x"))
	streams, writer := &http.Client{Transport: &http.Transport{}}, &http.Client{Transport: &http.Transport{}}
	begun, ended := make(chan struct{}, n), make(chan string, n)
	execution := query[string](t, dsn, `SELECT execution_id FROM executions`)
	for i := range n {
		url := r.url + "/api/v1/flows/d1/stream"
		if i%10 == 0 {
			url = r.url + "/api/v1/actions/executions/" + execution + "/logs/stream"
		}
		go func() { ended <- readToItsEnd(streams, url, begun) }()
	}
	for range n {
		select {
		case <-begun:
		case what := <-ended:
			t.Fatalf("a stream ended before the drain: %q", what)
		case <-time.After(patience):
			t.Fatalf("not all of %d streams have begun", n)
		}
	}
	told, written := make(chan struct{}), make(chan struct{})
	var acked, late int
	var wrong []string
	go func() { defer close(written); acked, late, wrong = writeUntilRefused(writer, r.url, told) }()
	r.tell()
	close(told)
	for range n {
		select {
		case what := <-ended:
			if what != "" {
				t.Fatalf("a stream did not end well: %s", what)
			}
		case <-time.After(patience):
			t.Fatal("a stream does not end")
		}
	}
	r.stop() // which fails where the server does not end well
	<-written
	if len(wrong) > 0 || late == 0 {
		t.Errorf("%d writes were acknowledged, %d of them during the drain; other answers: %q", acked, late, wrong)
	}
	if kept := query[int](t, dsn, `SELECT count(*) FROM log_lines WHERE message LIKE 'line %'`); kept < acked {
		t.Errorf("%d lines were acknowledged and %d are there", acked, kept)
	}
	streams.CloseIdleConnections()
	writer.CloseIdleConnections()
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}

// What was accepted is written, however long that takes, and whoever waits for it is answered.
func TestAWriteIsFinishedBeforeTheServerStops(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1", event(0, "tofu-init"))
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	for _, sql := range []string{`BEGIN`, `SELECT FROM flows FOR UPDATE`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	b := r.postLive("d1")
	b.write(t, event(1, "tofu", "message", "in flight"))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the write to wait for the flow", func() bool {
		return query[bool](t, dsn, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	})
	r.tell()
	eventually(t, "the server to take no more connections", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	// A write that takes more than a moment is answered that its outcome is not known.
	if a := b.answer(t); a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.stop()
	if n := query[int](t, dsn, `SELECT count(*) FROM log_lines WHERE message = 'in flight'`); n != 1 {
		t.Errorf("%d lines were written", n)
	}
}

// While it drains, a server says that it is not ready and serves all the same. Asked
// again from a terminal, it does not wait.
func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	p := serveProgram(t, "DATABASE_URL="+dbtest.New(t), "PROVFLOW_DRAIN=1h")
	p.post("d1", event(0, "tofu-init"))
	s := p.stream("d1", "")
	s.until(p.replica, "d1")
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var a answer
	eventually(t, "the drain", func() bool { a = p.get("/readyz"); return a.status == http.StatusServiceUnavailable })
	if !strings.Contains(a.body, `"error":"draining"`) {
		t.Errorf("not ready since %s", a.body)
	}
	if a = p.get("/healthz"); a.status != http.StatusOK {
		t.Errorf("health: %d %s", a.status, a.body)
	}
	p.post("d1", event(1, "tofu-plan"))
	p.stream("d1", "").until(p.replica, "d1")
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
}

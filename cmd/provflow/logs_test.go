package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
)

// outputs are lines of tofu's output, numbered from first to last, one each second.
func outputs(first, last int) []string {
	var lines []string
	for i := first; i <= last; i++ {
		lines = append(lines, event(float64(i), "tofu", "message", fmt.Sprint("m", i)))
	}
	return lines
}

// logStream opens a log's stream; query begins with "?", and last is the header.
func (r *replica) logStream(query, last string) *stream {
	r.t.Helper()
	return r.logOf("d1", query, last)
}

// logOf opens the stream of the log of a deployment's first step; header pairs may follow.
func (r *replica) logOf(deployment, query, last string, header ...string) *stream {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/v1/actions/executions/"+deployment+":tofu-init:1/logs/stream"+query, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		r.t.Fatalf("stream: %d %s", res.StatusCode, b)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no",
	} {
		if got := res.Header.Get(name); got != want {
			r.t.Errorf("%s: %q", name, got)
		}
	}
	s := &stream{t: r.t, frames: make(chan frame), close: cancel}
	go s.read(ctx, res.Body)
	return s
}

// line waits for the line with that number, and nothing else.
func (s *stream) line(n int) {
	s.t.Helper()
	select {
	case f, ok := <-s.frames:
		var l struct {
			LineNumber int
			Message    string
		}
		if err := json.Unmarshal([]byte(f.data), &l); !ok || err != nil ||
			f.event != "line" || f.id != fmt.Sprint(n) || l.LineNumber != n || l.Message != fmt.Sprint("m", n) {
			s.t.Fatalf("got %+v, want line %d", f, n)
		}
	case <-time.After(patience):
		s.t.Fatalf("line %d did not come", n)
	}
}

func (s *stream) lines(first, last int) {
	s.t.Helper()
	for n := first; n <= last; n++ {
		s.line(n)
	}
}

// end waits for the end of the log and then of the stream.
func (s *stream) end() {
	s.t.Helper()
	for _, want := range []string{"end", ""} {
		select {
		case f := <-s.frames:
			if f.event != want || f.id != "" || want != "" && f.data == "" { // a browser drops an event without data
				s.t.Fatalf("got %+v, want %q", f, want)
			}
		case <-time.After(patience):
			s.t.Fatal("the stream did not end")
		}
	}
}

func TestALogIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	writer, reader := start(t, dsn), start(t, dsn)
	writer.post("d1", append([]string{event(0, "tofu-init")}, outputs(1, 450)...)...)
	whole, rest, tail := reader.logStream("", ""), reader.logStream("?fromLine=440", ""), reader.logStream("?lastEventId=450&fromLine=3", "")
	whole.lines(1, 450)
	rest.lines(440, 450)
	for i := 451; i <= 455; i++ {
		writer.post("d1", outputs(i, i)...)
		whole.line(i)
		rest.line(i)
		tail.line(i)
	}
	whole.close() // cut, and back on another replica
	writer.post("d1", outputs(456, 460)...)
	whole = writer.logStream("?lastEventId=1", "455")
	writer.post("d1", append(outputs(461, 463), event(500, "tofu-plan"))...)
	whole.lines(456, 463)
	rest.lines(456, 463)
	tail.lines(456, 463)
	for _, s := range []*stream{whole, rest, tail} {
		s.end()
	}
	again := reader.logStream("", "463") // a browser comes back by itself
	again.end()
}

func TestAPlaceThatIsNoneInThisLogGetsAllOfIt(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", append(append([]string{event(0, "tofu-init")}, outputs(1, 3)...), event(9, "tofu-plan"))...)
	for _, last := range []string{"foreign.5", "99", "-1", "9223372036854775807", "0"} {
		s := r.logStream("", last)
		s.lines(1, 3)
		s.end()
	}
	r.logStream("?fromLine=4", "").end()
	r.logStream("?fromLine=9223372036854775807", "").end()
}

// What is still recorded for an execution after its end is followed too.
func TestLinesAfterTheEndComeBeforeTheStreamsEnd(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	now := time.Now().Add(-20 * time.Second)
	at := func(second int, phase string, fields ...string) string {
		var m map[string]any
		if err := json.Unmarshal([]byte(event(0, phase, fields...)), &m); err != nil {
			t.Fatal(err)
		}
		m["time"] = now.Add(time.Duration(second) * time.Second)
		b, _ := json.Marshal(m)
		return string(b)
	}
	r.post("d1", at(0, "tofu-init"), at(1, "tofu", "message", "m1"), at(2, "tofu-init", "state", "succeeded", "message", "m2"))
	s := r.logStream("", "")
	s.lines(1, 2)
	r.post("d1", at(3, "tofu", "message", "m3"))
	s.line(3)
	s.end()
}

func TestALogIsFollowedOverAnOutage(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	r := start(t, dsn)
	r.post("d1", append([]string{event(0, "tofu-init")}, outputs(1, 1)...)...)
	s := r.logStream("", "")
	s.line(1)
	for i := 2; i <= 6; i++ {
		query[int64](t, dsn, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`)
		eventually(t, "an acknowledgement", func() bool {
			return r.do("POST", "/api/v1/deployments/d1/provisioner-events", outputs(i, i)[0]).status == http.StatusOK
		})
		s.line(i)
	}
}

// breaksOff waits for the end of the stream, without another line and without that of the log.
func (s *stream) breaksOff() {
	s.t.Helper()
	select {
	case f, ok := <-s.frames:
		if ok {
			s.t.Errorf("got %+v, want the stream to end", f)
		}
	case <-time.After(patience):
		s.t.Error("the stream did not end")
	}
}

// A deleted flow ends the streams of its logs, without saying that they were finished.
func TestADeletedFlowEndsTheStreamsOfItsLogs(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", append([]string{event(0, "tofu-init")}, outputs(1, 2)...)...)
	s := r.logStream("", "")
	s.lines(1, 2)
	r.do("DELETE", "/api/v1/flows/d1", "")
	s.breaksOff()
}

// An archive may name its executions as it likes, also as a neighbour's will be named. Who
// follows such a log is not given the neighbour's when it comes.
func TestALogIsNotFollowedIntoANeighbours(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	g.as(g.admin, "POST", "/api/v1/deployments/a-1/provisioner-events", event(0, "tofu-init")+"\n"+outputs(1, 1)[0])
	archive := g.as(g.admin, "GET", "/api/v1/deployments/a-1/export", "").body
	archive = strings.NewReplacer("a-1:tofu-init:1", "b-1:tofu-init:1", "a-1", "a-2").Replace(archive)
	token, _ := g.token("a-", access.Ingest, access.Logs)
	if a := g.as(token, "POST", "/api/v1/internal/jobs/import", archive, "Content-Type", "application/x-ndjson"); a.status != 200 {
		t.Fatalf("import: %d %s", a.status, a.body)
	}
	s := g.logOf("b-1", "", "", "Authorization", "Bearer "+token)
	s.line(1)
	g.as(g.admin, "POST", "/api/v1/deployments/b-1/provisioner-events", event(0, "tofu-init")+"\n"+strings.Join(outputs(1, 5), "\n"))
	s.breaksOff()
	if a := g.as(token, "GET", "/api/v1/actions/executions/b-1:tofu-init:1/logs", ""); a.status != 404 {
		t.Errorf("the neighbour's: %d %s", a.status, a.body)
	}
}

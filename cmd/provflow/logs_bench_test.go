package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const logReaders, logWriters, logBody, logBodies = 10, 4, 500, 25

// Lines of log into one deployment, each acknowledged, while ten readers follow the
// execution live over HTTP; beside bare commits of one row by as many writers.
func BenchmarkLogLines(b *testing.B) {
	dsn := durable(b)
	r := start(b, dsn)
	r.post("logs", component(0, "chatty", "installing"))
	address := strings.TrimPrefix(r.url, "http://")
	callers := newCallers(b, logWriters, address)
	var seen atomic.Int64
	for range logReaders {
		follow(b, address, "logs:install-chatty:1", &seen)
	}
	bare, done := bareCommits(b, dsn, load{writers: logWriters, flows: 1, n: 250})
	defer done()
	sent := 0
	compare(b, bare, way{"lines", func() int {
		at := sent
		sent += logWriters * logBodies * logBody
		return logBody * inParallel(logWriters, logBodies, func(w, i int) {
			callers[w].call(http.StatusOK, logRequest(at+(w*logBodies+i)*logBody))
		})
	}})
	begun := time.Now()
	for seen.Load() < int64(sent*logReaders) {
		if time.Since(begun) > patience {
			b.Fatalf("the readers saw %d of %d lines", seen.Load(), sent*logReaders)
		}
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(time.Since(begun).Seconds()*1000, "readers-behind-ms")
}

// follow counts the lines that come to a reader.
func follow(b *testing.B, address, execution string, seen *atomic.Int64) {
	b.Helper()
	c := newCaller(b, address)
	if _, err := io.WriteString(c.conn, get("/api/v1/actions/executions/"+execution+"/logs/stream")); err != nil {
		b.Fatal(err)
	}
	go func() {
		for in := bufio.NewReaderSize(c.conn, 64<<10); ; {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(string(line), "event: line") {
				seen.Add(1)
			}
		}
	}()
}

// logRequest posts lines of their own times, so that none is taken for another.
func logRequest(from int) string {
	var body strings.Builder
	for i := range logBody {
		at := noon.Add(time.Duration(from+i) * time.Microsecond)
		fmt.Fprintf(&body, `{"time":%q,"phase":"component-log","component":"chatty","message":"reconciling release chatty, still waiting for its pods"}`+"\n",
			at.Format(time.RFC3339Nano))
	}
	return fmt.Sprintf("POST /api/v1/deployments/logs/provisioner-events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", body.Len(), body.String())
}

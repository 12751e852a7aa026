package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const idleStreams, watchedFlows = 10_000, 10

// What ten thousand open streams cost a server of its own process: memory of each while
// nothing happens, how soon one change is with all of them, and how many reads it takes when
// all are cut off and come back at once, one change behind.
func BenchmarkIdleStreams(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("the memory of another process is read from /proc")
	}
	p := launchWith(b, dataDir(b), []string{"PROVFLOW_METRICS_LISTEN=127.0.0.1:0"})
	for i := range watchedFlows {
		fill(b, p.replica, watched(i), 50)
	}
	address := strings.TrimPrefix(p.url, "http://")
	first := crowd(b, address, watchedFlows, "")
	before := p.memory()
	for range b.N {
		all := crowd(b, address, idleStreams, "")
		// A heartbeat of each, so that what is measured is what it takes to stay.
		time.Sleep(12 * time.Second)
		b.ReportMetric(float64(p.memory()-before)/idleStreams/1024, "KiB/stream")
		begun := time.Now().UnixNano()
		p.post(watched(0), component(100, "one-more", "installing"), component(101, "one-more", "installed", "chartVersion", strconv.FormatInt(begun, 10)))
		b.ReportMetric(quantile(all[0].latencies(b, begun), 1), "one-of-ten-ms")
		behind := all[0].cursor()
		for _, a := range all {
			a.leave()
		}
		p.post(watched(0), component(102, "one-more", "installing", "chartVersion", strconv.FormatInt(begun+1, 10)))
		reads := p.reads()
		back := time.Now()
		returned := subscribeAt(b, address, watched(0), idleStreams, behind)
		b.ReportMetric(time.Since(back).Seconds()*1000, "all-back-ms")
		b.ReportMetric(float64(p.reads()-reads), "reads")
		begun = time.Now().UnixNano()
		p.post(watched(0), component(103, "one-more", "installed", "chartVersion", strconv.FormatInt(begun, 10)))
		b.ReportMetric(quantile(returned.latencies(b, begun), 1), "one-change-to-all-ms")
		returned.leave()
	}
	b.ReportMetric(0, "ns/op")
	for _, a := range first {
		a.leave()
	}
}

func watched(i int) string { return fmt.Sprint("watched-", i) }

// crowd subscribes so many, as many to each flow.
func crowd(b *testing.B, address string, n int, last string) []*audience {
	b.Helper()
	var all []*audience
	for i := range watchedFlows {
		all = append(all, subscribeAt(b, address, watched(i), n/watchedFlows, last))
	}
	return all
}

// memory is what the process holds, in bytes.
func (p *program) memory() int64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	kib, _ := strconv.ParseInt(string(found[1]), 10, 64)
	return kib << 10
}

// reads is how often the process has read a flow for subscribers.
func (p *program) reads() int {
	p.t.Helper()
	shown := regexp.MustCompile(`msg="showing metrics" address=(\S+)`).FindStringSubmatch(p.said())
	if shown == nil {
		p.t.Fatal("no address of metrics was said")
	}
	res, err := http.Get(shown[1])
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	n, _ := strconv.Atoi(regexp.MustCompile(`(?m)^provflow_feed_reads_total (\d+)`).FindStringSubmatch(string(text))[1])
	return n
}

package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// contract is the wire contract, sentence by sentence; its rows are in contract_*_test.go.
// What needs more than an exchange (outages, kills, load, hostile input) has tests of its own.
var contract = []struct {
	section string
	rows    []row
}{
	{"1 envelope", envelopeRows},
	{"2 reading a flow", flowRows},
	{"2 writes, keys and ids", writeRows},
	{"2 what a request may say", requestRows},
	{"2 the stream", streamRows},
	{"2 fallback to the upstream", upstreamRows},
	{"3 deployments", deploymentRows},
	{"3 jobs", jobRows},
	{"3 executions and logs", logRows},
	{"3 moving in, errors, health", serviceRows},
	{"4 phases", phaseRows},
	{"4 states", stateRows},
	{"5 names and ids", nameRows},
	{"5 roll-up and dependencies", ruleRows},
}

// row is one sentence and the exchange that shows it. In every string of its steps $d stands
// for an id of the row's own.
type row struct {
	sentence string
	upstream http.HandlerFunc // nil: none
	steps    []step
}

// step is one thing done over HTTP, and what has to come of it.
type step func(*exchange)

// exchange is a row on its way: what was read last, and the stream that is open.
type exchange struct {
	*replica
	there   *replica // on the same database
	id      string
	last    answer
	version int64 // that of the last answer that gave one
	stream  *stream
	other   *otherServer
}

func TestContract(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	here, there := start(t, dsn), start(t, dsn)
	n := 0
	for _, s := range contract {
		for _, row := range s.rows {
			n++
			id := "row-" + strconv.Itoa(n)
			t.Run(s.section+"/"+row.sentence, func(t *testing.T) {
				t.Parallel()
				c := &exchange{replica: here.in(t), there: there.in(t), id: id}
				if row.upstream != nil {
					c.other = newOther(t, row.upstream)
					c.replica = start(t, dsn, c.other.options())
				}
				for _, step := range row.steps {
					step(c)
				}
				c.wantEnvelope()
			})
		}
	}
}

// in is the same server for a sub-test.
func (r *replica) in(t testing.TB) *replica {
	return &replica{t: t, url: r.url, client: r.client}
}

// fill puts the row's id in its place.
func (c *exchange) fill(s string) string { return strings.ReplaceAll(s, "$d", c.id) }

// request sends a request, written "GET /path", and wants that status and all of the rest.
func request(line, body string, header []string, status int, wants []want) step {
	return func(c *exchange) {
		c.t.Helper()
		method, path, _ := strings.Cut(c.fill(line), " ")
		a := c.do(method, path, c.fill(body), header...)
		if a.status != status {
			c.t.Fatalf("%s %s\n%.300s\nanswered %d %s, want %d", method, path, c.fill(body), a.status, a.body, status)
		}
		for _, w := range wants {
			if wrong := w(c, a); wrong != "" {
				c.t.Errorf("%s %s: %s", method, path, wrong)
			}
		}
		c.wantDescribed(method, path, c.fill(body), header, a)
		if method == http.MethodGet {
			c.last = a
		}
		c.version = versionIn(a.body, c.version)
	}
}

// ask sends a request without a body.
func ask(line string, status int, wants ...want) step {
	return request(line, "", nil, status, wants)
}

// send sends a request with a body.
func send(line, body string, status int, wants ...want) step {
	return request(line, body, nil, status, wants)
}

// sendWith is send with headers, as pairs of names and values.
func sendWith(header []string, line, body string, status int, wants ...want) step {
	return request(line, body, header, status, wants)
}

// events posts provisioner events, one a line, to the row's deployment.
func events(lines ...string) step {
	return send("POST /api/v1/deployments/$d/provisioner-events", strings.Join(lines, "\n"), http.StatusOK)
}

// emits posts FlowMessages to the row's flow, as one emitter.
func emits(messages ...string) step {
	return func(c *exchange) {
		c.t.Helper()
		for _, m := range messages {
			send("POST /v1/flows/$d/events", m, http.StatusOK)(c)
		}
	}
}

// registers puts the row's deployment.
func registers(body string) step { return send("PUT /api/v1/deployments/$d", body, http.StatusOK) }

// imports brings in an older store's index.
func imports(index string) step {
	return send("POST /api/v1/internal/jobs/import", index, http.StatusOK)
}

// snapshot wants all of that of the row's snapshot.
func snapshot(wants ...want) step {
	return ask("GET /api/v1/flows/$d/snapshot", http.StatusOK, wants...)
}

// onAnother does a step at another replica.
func onAnother(s step) step {
	return func(c *exchange) {
		c.t.Helper()
		c.replica, c.there = c.there, c.replica
		s(c)
		c.replica, c.there = c.there, c.replica
	}
}

// opens opens the row's stream, after a cursor or from the beginning, and wants frames.
func opens(after string, frames ...step) step {
	return func(c *exchange) {
		c.t.Helper()
		c.stream = c.replica.stream(c.id, c.cursor(after))
		for _, f := range frames {
			f(c)
		}
	}
}

// opensBy is opens with a query.
func opensBy(query string, frames ...step) step {
	return func(c *exchange) {
		c.t.Helper()
		c.stream = c.streamAt("/api/v1/flows/"+c.id+"/stream"+c.cursor(query), "")
		for _, f := range frames {
			f(c)
		}
	}
}

// cursor gives `$cursor` as the one of the last answer.
func (c *exchange) cursor(s string) string {
	return strings.ReplaceAll(s, "$cursor", strings.Trim(c.last.header.Get("ETag"), `"`))
}

// frames is the next event of the open stream, which has all of that JSON.
func frames(event, json string) step {
	return func(c *exchange) {
		c.t.Helper()
		f := c.nextFrame()
		if f.event != event {
			c.t.Fatalf("%s came, want %s: %s", f.event, event, f.data)
		}
		if wrong := within(f.data, c.fill(json)); wrong != "" {
			c.t.Errorf("%s: %s", event, wrong)
		}
		if c.other == nil {
			c.wantForm(f.data, "components", "schemas", "ApiMessageBody")
		}
	}
}

func (c *exchange) nextFrame() frame {
	c.t.Helper()
	for {
		f, ok := c.stream.next()
		if !ok {
			c.t.Fatal("the stream has ended")
		}
		if f.event != "heartbeat" {
			return f
		}
	}
}

// folds reads the open stream until it has come to the snapshot, and compares the two.
func folds(c *exchange) {
	c.t.Helper()
	c.stream.until(c.replica, url.PathEscape(c.id))
}

// ends wants the open stream to end.
func ends(c *exchange) {
	c.t.Helper()
	for ok := true; ok; {
		_, ok = c.stream.next()
	}
}

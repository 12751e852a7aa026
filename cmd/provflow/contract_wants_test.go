package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// want says what is wrong with an answer; "" where it is as the contract says.
type want func(c *exchange, a answer) string

// has wants an answer that has all of that JSON: of objects at least those fields, of
// lists exactly those elements in that order.
func has(json string) want {
	return func(c *exchange, a answer) string { return within(a.body, c.fill(json)) }
}

// is wants exactly that JSON.
func is(text string) want {
	return func(c *exchange, a answer) string {
		if got, want := canonical(a.body), canonical(c.fill(text)); got != want {
			return fmt.Sprintf("got  %s\nwant %s", got, want)
		}
		return ""
	}
}

func canonical(text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return text
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// tells wants words in the answer.
func tells(words ...string) want {
	return func(c *exchange, a answer) string {
		for _, w := range words {
			if !strings.Contains(a.body, c.fill(w)) {
				return fmt.Sprintf("%q is not said: %s", c.fill(w), a.body)
			}
		}
		return ""
	}
}

// hides wants words not to be there.
func hides(words ...string) want {
	return func(c *exchange, a answer) string {
		for _, w := range words {
			if strings.Contains(a.body, c.fill(w)) {
				return fmt.Sprintf("%q is said: %s", c.fill(w), a.body)
			}
		}
		return ""
	}
}

// headed wants a header of that form.
func headed(name, form string) want {
	return func(_ *exchange, a answer) string {
		if got := a.header.Get(name); !regexp.MustCompile(form).MatchString(got) {
			return fmt.Sprintf("%s is %q", name, got)
		}
		return ""
	}
}

// fails wants an error with that slug, whose detail says that.
func fails(slug string, detail ...string) want {
	return func(c *exchange, a answer) string {
		var e struct{ Error, Detail string }
		if json.Unmarshal([]byte(a.body), &e) != nil || e.Error != slug || e.Detail == "" {
			return fmt.Sprintf("not %s with what to do: %s", slug, a.body)
		}
		return tells(detail...)(c, answer{body: e.Detail})
	}
}

// asBefore wants the same body as the last GET got.
func asBefore(c *exchange, a answer) string {
	if a.body != c.last.body {
		return fmt.Sprintf("%s, before %s", a.body, c.last.body)
	}
	return ""
}

// movesBy wants the flow's version to have moved by that much.
func movesBy(by int64) want {
	return func(c *exchange, a answer) string {
		if got := versionIn(a.body, -1); got != c.version+by {
			return fmt.Sprintf("the version was %d: %s", c.version, a.body)
		}
		return ""
	}
}

// versionIn reads the version of a write's answer.
func versionIn(body string, other int64) int64 {
	var v struct{ Seq, Version *int64 }
	_ = json.Unmarshal([]byte(body), &v)
	for _, n := range []*int64{v.Seq, v.Version} {
		if n != nil {
			return *n
		}
	}
	return other
}

// shows wants exactly these nodes of a snapshot, each as "id status", in that order. The
// deployment's part of an id is left out.
func shows(nodes ...string) want {
	return listed(nodes, func(e envelope) (got []string) {
		for _, n := range e.Nodes {
			got = append(got, n.ID+" "+n.Status)
		}
		return got
	})
}

// relates wants exactly these relationships of a snapshot, each as "from type to".
func relates(edges ...string) want {
	return listed(edges, func(e envelope) (got []string) {
		for _, r := range e.Relationships {
			got = append(got, r.FromID+" "+r.Type+" "+r.ToID)
		}
		return got
	})
}

// lists wants exactly these jobs, by name.
func lists(names ...string) want {
	return listed(names, func(e envelope) (got []string) {
		for _, j := range e.Jobs {
			got = append(got, j.JobName)
		}
		return got
	})
}

func listed(wanted []string, of func(envelope) []string) want {
	return func(c *exchange, a answer) string {
		var e envelope
		if err := json.Unmarshal([]byte(a.body), &e); err != nil {
			return err.Error()
		}
		got := of(e)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], c.id+":", "")
		}
		if !slices.Equal(got, wanted) {
			return fmt.Sprintf("got  %q\nwant %q", got, wanted)
		}
		return ""
	}
}

// nodeHas wants a node that has all of that JSON.
func nodeHas(id, json string) want {
	return func(c *exchange, a answer) string {
		for _, n := range nodesIn(a.body) {
			if idOf(n) == c.fill(id) {
				return within(string(n), c.fill(json))
			}
		}
		return fmt.Sprintf("%s is not there: %s", c.fill(id), a.body)
	}
}

// nodeLacks wants a node without words.
func nodeLacks(id string, words ...string) want {
	return func(c *exchange, a answer) string {
		for _, n := range nodesIn(a.body) {
			if idOf(n) == c.fill(id) {
				return hides(words...)(c, answer{body: string(n)})
			}
		}
		return fmt.Sprintf("%s is not there: %s", c.fill(id), a.body)
	}
}

func idOf(node []byte) string {
	var n struct{ ID string }
	_ = json.Unmarshal(node, &n)
	return n.ID
}

func nodesIn(body string) []json.RawMessage {
	var e struct{ Nodes []json.RawMessage }
	_ = json.Unmarshal([]byte(body), &e)
	return e.Nodes
}

// envelope is what a client reads of any of the lists.
type envelope struct {
	Type string
	Flow struct {
		ID, Status         string
		StartedAt, EndedAt int64
	}
	Nodes []struct {
		ID, FlowID, Label, Status, Family string
		StartedAt, EndedAt                int64
	}
	Relationships []struct {
		FromID, ToID, FromFlowID, ToFlowID, Type string
	}
	Jobs []job
}

// wantEnvelope holds the row's flow, whatever was done to it, to what holds of every
// snapshot; each replica gives the same bytes.
func (c *exchange) wantEnvelope() {
	c.t.Helper()
	a := c.there.get("/api/v1/flows/" + c.id + "/snapshot")
	if a.status == http.StatusNotFound {
		return // the row made none, or deleted it
	}
	if again := c.there.get("/v1/flows/" + c.id + "/snapshot"); again.body != a.body {
		c.t.Errorf("the same state came in two orders:\n%s\n%s", a.body, again.body)
	}
	var e envelope
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || e.Type != "snapshot" || e.Nodes == nil || e.Relationships == nil {
		c.t.Fatalf("not a snapshot with its lists: %s", a.body)
	}
	milliseconds := func(at ...int64) {
		for _, ms := range at {
			if ms != 0 && ms < 1e12 {
				c.t.Errorf("%d is no unix milliseconds: %s", ms, a.body)
			}
		}
	}
	milliseconds(e.Flow.StartedAt, e.Flow.EndedAt)
	there, contains := map[string]bool{}, map[string]bool{}
	for _, n := range e.Nodes {
		milliseconds(n.StartedAt, n.EndedAt)
		there[n.ID] = true
		if n.FlowID != e.Flow.ID || n.Label == "" || !slices.Contains([]string{"pending", "running", "succeeded", "failed"}, n.Status) {
			c.t.Errorf("node %+v", n)
		}
	}
	for _, r := range e.Relationships {
		if r.FromFlowID == "" && !there[r.FromID] || r.ToFlowID == "" && !there[r.ToID] {
			c.t.Errorf("an end of %+v does not exist", r)
		}
		contains[r.ToID] = contains[r.ToID] || r.Type == "contains"
	}
	for _, n := range e.Nodes {
		if n.Family == "group" && !contains[n.ID] {
			c.t.Errorf("%s is shown as a group and nothing is in it", n.ID)
		}
	}
}

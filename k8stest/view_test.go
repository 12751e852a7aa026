package k8stest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// view is a flow as a client holds it: each node's status by its id, and all edges.
type view struct {
	flow  map[string]any
	nodes map[string]node
	edges map[string]bool
}

type node struct {
	ID, Status, Label string
	StartedAt         int64
	EndedAt           int64
	Meta              struct {
		State, Reason, ChartVersion string
		Attempt                     int
	}
}

type message struct {
	Type          string
	Flow          map[string]any
	Nodes         []node
	Relationships []edge
	IDs           []string
	Pairs         []edge
}

type edge struct{ FromID, ToID, Type string }

func (e edge) String() string { return e.FromID + " " + e.Type + " " + e.ToID }

func newView() *view { return &view{nodes: map[string]node{}, edges: map[string]bool{}} }

// fold applies a message, as docs/contract.md says.
func (v *view) fold(m message) {
	if m.Type == "snapshot" {
		*v = *newView()
	}
	if m.Flow != nil {
		v.flow = m.Flow
	}
	for _, p := range m.Pairs {
		delete(v.edges, p.String())
	}
	for _, id := range m.IDs {
		delete(v.nodes, id)
	}
	for _, n := range m.Nodes {
		v.nodes[n.ID] = n
	}
	for _, e := range m.Relationships {
		v.edges[e.String()] = true
	}
}

// snapshot reads the flow whole.
func (p *program) snapshot(id string) *view {
	p.t.Helper()
	v := newView()
	var m message
	p.read("/api/v1/flows/"+id+"/snapshot", &m)
	v.fold(m)
	return v
}

// now is the flow as it is; an empty view while there is none.
func (p *program) now(id string) *view {
	p.t.Helper()
	if status, _ := p.call("GET", "/api/v1/flows/"+id+"/snapshot", ""); status != http.StatusOK {
		return newView()
	}
	return p.snapshot(id)
}

func (v *view) String() string {
	var lines []string
	for id, n := range v.nodes {
		lines = append(lines, fmt.Sprintf("%s %s %s", id, n.Status, n.Meta.State))
	}
	lines = append(lines, slices.Collect(maps.Keys(v.edges))...)
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// watch gives the first of what is said of watching the flow's clusters.
func (v *view) watch() map[string]any {
	meta, _ := v.flow["meta"].(map[string]any)
	list, _ := meta["watch"].([]any)
	if len(list) == 0 {
		return nil
	}
	return list[0].(map[string]any)
}

// subscriber follows a flow's stream, from whichever replica it is told, resuming by cursor.
type subscriber struct {
	t    testing.TB
	flow string
	ctx  context.Context

	mu     sync.Mutex
	at     *program
	cursor string
	view   *view
	heard  func(m message) // of each message, while it is folded
}

func subscribe(t testing.TB, at *program, flow string) *subscriber {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &subscriber{t: t, flow: flow, ctx: ctx, at: at, view: newView(), heard: func(message) {}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			s.follow()
			time.Sleep(5 * time.Millisecond) // sooner than a browser
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

// move has the next connection go to another replica.
func (s *subscriber) move(to *program) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = to
}

func (s *subscriber) follow() {
	s.mu.Lock()
	url, cursor := s.at.url, s.cursor
	s.mu.Unlock()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, url+"/api/v1/flows/"+s.flow+"/stream", nil)
	if err != nil {
		return
	}
	req.Header.Set("Last-Event-ID", cursor)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	for id := ""; lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "data":
			s.take(id, value)
		}
	}
}

func (s *subscriber) take(id, data string) {
	var m message
	if json.Unmarshal([]byte(data), &m) != nil || m.Type == "" {
		return // a heartbeat
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.fold(m)
	s.cursor = id
	s.heard(m)
}

func (s *subscriber) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.String()
}

// status is what clients must show of a release, read off its conditions by whoever has
// nothing but those.
func status(u *unstructured.Unstructured) string {
	ready := conditionsOf(u)["Ready"]
	switch {
	case ready == nil, ready["reason"] == "DependencyNotReady":
		return "pending"
	case ready["status"] == "True":
		return "succeeded"
	case ready["status"] == "Unknown":
		return "running"
	}
	return "failed"
}

// clusterView gives a flow as it follows from what the cluster says now.
func clusterView(r releases, flow string) *view {
	v := newView()
	for _, u := range r.all() {
		name := strings.TrimPrefix(u.GetName(), "bp-")
		id := flow + ":install-" + name
		v.nodes[id] = node{ID: id, Status: status(&u)}
		v.edges[edge{id, flow + ":bootstrap-kit", "contains"}.String()] = true
		on, _, _ := unstructured.NestedSlice(u.Object, "spec", "dependsOn")
		for _, d := range on {
			from := flow + ":install-" + strings.TrimPrefix(d.(map[string]any)["name"].(string), "bp-")
			v.edges[edge{from, id, "finish-to-start"}.String()] = true
		}
	}
	return v
}

// difference says where a client's view is not what the cluster says; "" where it is.
func difference(got, want *view) string {
	var wrong []string
	for id, n := range want.nodes {
		if g := got.nodes[id]; g.Status != n.Status {
			wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", id, g.Status, n.Status))
		}
	}
	for id := range got.nodes {
		if _, ok := want.nodes[id]; !ok && strings.Contains(id, ":install-") {
			wrong = append(wrong, id+" is shown")
		}
	}
	for e := range want.edges {
		if !got.edges[e] {
			wrong = append(wrong, "no "+e)
		}
	}
	for e := range got.edges {
		if !want.edges[e] {
			wrong = append(wrong, e+" is shown")
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, "\n")
}

// agree waits until the snapshot, the subscribers and the cluster say the same.
func agree(t testing.TB, c *cluster, p *program, flow string, subscribers ...*subscriber) {
	t.Helper()
	want := clusterView(c.releases(), flow)
	last := ""
	defer func() {
		if t.Failed() {
			t.Logf("at last:\n%s", last)
		}
	}()
	eventually(t, "snapshot and cluster to agree", func() bool {
		now := p.snapshot(flow)
		wrong := difference(now, want)
		last = fmt.Sprint(wrong, "\n", now.flow)
		return wrong == ""
	})
	for i, s := range subscribers {
		eventually(t, fmt.Sprintf("subscriber %d to hold the snapshot", i), func() bool {
			last = s.String()
			return last == p.snapshot(flow).String()
		})
	}
}

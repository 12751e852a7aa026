package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
	"github.com/openova-io/provflow/service/access"
)

// Who sent a credential is who the rows belong to, whatever the client says of itself.
func TestEmittersAreToldApartByTheirCredential(t *testing.T) {
	t.Parallel()
	g := startWithAccess(t, dbtest.New(t), quick())
	one, oneID := g.token("", access.Ingest)
	two, _ := g.token("", access.Ingest)
	emit := func(token, message string, header ...string) {
		t.Helper()
		header = append(header, "User-Agent", "flow-emitter/1")
		if a := g.as(token, http.MethodPost, "/v1/flows/f/events", message, header...); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	shows := func(when string, want ...string) {
		t.Helper()
		a := g.as(g.admin, http.MethodGet, "/api/v1/flows/f/snapshot", "")
		b := newBrowser()
		b.fold(t, frame{event: "snapshot", data: a.body})
		if len(b.Nodes.ByID) != len(want) {
			t.Errorf("%s: %s", when, b)
		}
		for _, id := range want {
			if b.status(id) == "" {
				t.Errorf("%s: %s is gone: %s", when, id, b)
			}
		}
	}
	emit(one, snapshotOf("f", []string{node("a", "running")}, nil))
	emit(two, snapshotOf("f", []string{node("b", "running")}, nil))
	shows("two tokens, one program", "a", "b")
	for _, name := range []string{"", "token:" + oneID, "principal:token:" + oneID, "bridge", "/", "../token:" + oneID} {
		emit(two, snapshotOf("f", nil, nil), "X-Flow-Source", name)
		shows(fmt.Sprintf("a snapshot that calls itself %q", name), "a")
	}
	emit(one, upsert(node("c", "running")), "X-Flow-Source", "second")
	emit(one, snapshotOf("f", []string{node("a", "running")}, nil))
	shows("two emitters that share a token", "a", "c")
	emit(one, snapshotOf("f", nil, nil), "X-Flow-Source", "second")
	shows("the second of them", "a")
}

// With access off there is nothing but an emitter's word.
func TestEmittersWithoutAccessAreToldApartByTheirName(t *testing.T) {
	t.Parallel()
	r := start(t, dbtest.New(t))
	r.post("d1", component(0, "cilium", "installing"))
	for _, name := range []string{"one", "two"} {
		r.emit("d1", name, snapshotOf("d1", []string{node(name, "running")}, nil))
	}
	r.emit("d1", "bridge", snapshotOf("d1", nil, nil))
	got := r.snapshot("d1")
	for _, id := range []string{"one", "two", "d1:install-cilium"} {
		if got.status(id) != "running" {
			t.Errorf("%s is gone: %s", id, got)
		}
	}
}

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openova-io/provflow/db/dbtest"
)

// What a manifest leaves open is left at its default: the start gets as far as the
// address, which is wrong.
func TestAVariableSetToNothingIsNotSet(t *testing.T) {
	t.Parallel()
	env := []string{
		"OPENOVA_FLOW_SERVER_URL=", "OPENOVA_FLOW_PROXY_TIMEOUT=", "OPENOVA_FLOW_TLS_SKIP_VERIFY=",
		"PROVFLOW_UPSTREAM_ZONES=", "PROVFLOW_UPSTREAM_ALLOW_CIDRS=", "DATABASE_URL=",
	}
	run(t, env, "serve", "--listen", "garbage").want(t, 1, "missing port")
}

func TestAWrongUpstreamStopsTheStart(t *testing.T) {
	t.Parallel()
	for _, e := range []string{"OPENOVA_FLOW_SERVER_URL=flow:80", "PROVFLOW_UPSTREAM_ZONES=a b", "PROVFLOW_UPSTREAM_ALLOW_CIDRS=10.0.0.0/8,x"} {
		name, _, _ := strings.Cut(e, "=")
		run(t, []string{e, "PROVFLOW_DATA_DIR=" + dataDir(t)}, "serve", "--listen", "127.0.0.1:0").want(t, 1, name)
	}
}

// The environment names the upstream, and says that any certificate of it is taken.
func TestTheEnvironmentNamesTheUpstream(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(knows))
	t.Cleanup(s.Close)
	p := serveProgram(t, "DATABASE_URL="+dbtest.New(t), "OPENOVA_FLOW_SERVER_URL="+s.URL, "OPENOVA_FLOW_TLS_SKIP_VERIFY=true")
	if a := p.get("/v1/flows/u/snapshot"); a.status != http.StatusOK || a.body != itsSnapshot {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// An upstream that answers at once is too slow for who waits for no time at all.
func TestTheEnvironmentSaysHowLongTheUpstreamIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(knows))
	t.Cleanup(s.Close)
	p := serveProgram(t, "DATABASE_URL="+dbtest.New(t), "OPENOVA_FLOW_SERVER_URL="+s.URL, "OPENOVA_FLOW_PROXY_TIMEOUT=1ns")
	if a := p.get("/v1/flows/u/snapshot"); a.status != http.StatusBadGateway {
		t.Errorf("%d %s", a.status, a.body)
	}
}

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/openova-io/provflow/db/dbtest"
)

// collected is what a collector was sent.
type collected struct {
	url string

	mu    sync.Mutex
	of    map[string]string // what the spans come from
	spans []*otlp.Span
	text  string
}

// collect runs a collector of traces.
func collect(t *testing.T) *collected {
	t.Helper()
	c := &collected{of: map[string]string{}}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &got); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.text += got.String()
		for _, of := range got.GetResourceSpans() {
			c.of = attributes(of.GetResource().GetAttributes())
			for _, scope := range of.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func attributes(list []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range list {
		m[kv.GetKey()] = kv.GetValue().GetStringValue()
	}
	return m
}

// The spans of a request are one trace, the client's own; they are sent at the latest
// when the program ends.
func TestTraces(t *testing.T) {
	t.Parallel()
	c := collect(t)
	p := serveProgram(t, "DATABASE_URL="+dbtest.New(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+c.url)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	p.do("POST", "/api/v1/deployments/d1/provisioner-events?x=hush-query", event(0, "tofu", "message", "hush-body"),
		"traceparent", "00-"+trace+"-b7ad6b7169203331-01", "X-Request-Id", "mine-1", "Authorization", "Bearer hush-token")
	p.stream("d1", "").next()
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.said())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of["service.name"] != "provflow" || c.of["service.version"] != version {
		t.Errorf("they come from %v", c.of)
	}
	server, database := 0, 0
	for _, s := range c.spans {
		mine := fmt.Sprintf("%x", s.GetTraceId()) == trace
		a := attributes(s.GetAttributes())
		switch {
		case s.GetKind() == otlp.Span_SPAN_KIND_SERVER && mine:
			server++
			if s.GetName() != "POST /api/v1/deployments/{id}/provisioner-events" || a["provflow.request"] != "mine-1" {
				t.Errorf("span %s", s)
			}
		case s.GetKind() == otlp.Span_SPAN_KIND_CLIENT && mine:
			database++
		case s.GetParentSpanId() == nil && s.GetKind() != otlp.Span_SPAN_KIND_SERVER, strings.Contains(s.GetName(), "/stream"):
			t.Errorf("span %s", s)
		}
	}
	if server != 1 || database < 2 {
		t.Errorf("%d spans of the request, %d of the database: %s", server, database, c.text)
	}
	if strings.Contains(c.text, "hush") {
		t.Errorf("what may be secret was sent: %s", c.text)
	}
}

// A collector that is away costs traces and nothing else.
func TestTracesWithoutTheirCollector(t *testing.T) {
	t.Parallel()
	p := serveProgram(t, "DATABASE_URL="+dbtest.New(t), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT=100")
	p.post("d1", event(0, "tofu-init"))
	if code := p.terminate(); code != 0 || !strings.Contains(p.said(), "traces") {
		t.Errorf("exit code %d: %s", code, p.said())
	}
}

// Package traces sends OpenTelemetry traces of requests, and of what they ask of the
// database, where the environment names a collector. It must not trace what goes on by
// itself (polls, notifications) or for hours (streams): a span that never ends is never
// seen, and the others would be most of all there is.
//
// The standard variables apply: OTEL_EXPORTER_OTLP_ENDPOINT turns it on, OTEL_SERVICE_NAME
// and OTEL_RESOURCE_ATTRIBUTES name the server, OTEL_TRACES_SAMPLER thins out.
package traces

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/openova-io/provflow/api/reqlog"
)

// Tracing is what makes and sends spans. A nil one makes none.
type Tracing struct {
	provider *sdktrace.TracerProvider
	log      *slog.Logger
}

// Start begins to trace where the environment names a collector, and gives nil where it
// names none. It does not wait for the collector: one that is away costs traces only.
func Start(ctx context.Context, version string, log *slog.Logger) (*Tracing, error) {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || endpoint() == "" {
		return nil, nil
	}
	if p := protocol(); p != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL=%s: traces are sent by http/protobuf only; name a collector's HTTP port", p)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	of, err := describe(ctx, version)
	if err != nil {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces cannot be sent", "error", err) }))
	options := []sdktrace.TracerProviderOption{sdktrace.WithBatcher(exporter), sdktrace.WithResource(of)}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(requestsOnly{})))
	}
	return &Tracing{sdktrace.NewTracerProvider(options...), log}, nil
}

func endpoint() string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
}

func protocol() string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf")
}

// describe says what the spans come from; the environment has the last word.
func describe(ctx context.Context, version string) (*resource.Resource, error) {
	r, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "provflow"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return r, nil
}

// Stop sends what is left, within a bound.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("some traces were not sent", "error", err)
	}
}

// Queries traces what is asked of the database, without the values that are sent along;
// nil where nothing is traced.
func (t *Tracing) Queries() pgx.QueryTracer {
	if t == nil {
		return nil
	}
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(t.provider))
}

// Requests is the middleware of a chi router; nil where nothing is traced.
func (t *Tracing) Requests() func(http.Handler) http.Handler {
	if t == nil {
		return nil
	}
	return func(next http.Handler) http.Handler {
		return otelhttp.NewHandler(named(next), "request", otelhttp.WithTracerProvider(t.provider),
			otelhttp.WithPropagators(propagation.TraceContext{}), otelhttp.WithFilter(worthASpan))
	}
}

// named gives a span its route, which is known once the request was routed, and the id
// by which its lines in the log are found.
func named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			span, route := trace.SpanFromContext(r.Context()), chi.RouteContext(r.Context()).RoutePattern()
			span.SetName(r.Method + " " + route)
			span.SetAttributes(attribute.String("http.route", route), attribute.String("provflow.request", reqlog.ID(r.Context())))
		}()
		next.ServeHTTP(w, r)
	})
}

// worthASpan leaves out what lasts, and what machines ask all the time.
func worthASpan(r *http.Request) bool {
	for _, end := range []string{"/stream", "/healthz", "/readyz"} {
		if strings.HasSuffix(r.URL.Path, end) {
			return false
		}
	}
	return true
}

// requestsOnly begins traces with requests and with nothing else.
type requestsOnly struct{}

// ShouldSample implements trace.Sampler.
func (requestsOnly) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if p.Kind == trace.SpanKindServer {
		return sdktrace.AlwaysSample().ShouldSample(p)
	}
	return sdktrace.NeverSample().ShouldSample(p)
}

// Description implements trace.Sampler.
func (requestsOnly) Description() string { return "RequestsOnly" }

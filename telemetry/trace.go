package telemetry

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// TracingConfig says where spans go.
type TracingConfig struct {
	// Endpoint is the URL of a collector that takes OTLP over HTTP; without a path, /v1/traces is added. Empty: no spans are made.
	Endpoint string
	// Ratio is the share of traces that are sampled where the caller has not decided, 0 to 1.
	Ratio float64
	// Version of the program.
	Version string
	// ExportTimeout bounds one export. Default 10 s.
	ExportTimeout time.Duration
}

// Tracing makes tracers.
type Tracing struct {
	trace.TracerProvider
	shutdown func(context.Context) error
}

// shutdownTimeout bounds the last export: a collector that does not answer must not hold up a stop.
const shutdownTimeout = 3 * time.Second

// NewTracing returns a provider of tracers: one that exports, or one that does nothing if there is no endpoint.
func NewTracing(ctx context.Context, c TracingConfig) (*Tracing, error) {
	if c.Endpoint == "" {
		return &Tracing{TracerProvider: noop.NewTracerProvider(), shutdown: func(context.Context) error { return nil }}, nil
	}
	if c.ExportTimeout == 0 {
		c.ExportTimeout = 10 * time.Second
	}
	if u, err := url.Parse(c.Endpoint); err == nil && strings.Trim(u.Path, "/") == "" {
		c.Endpoint = u.JoinPath("v1", "traces").String()
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Endpoint), otlptracehttp.WithTimeout(c.ExportTimeout))
	if err != nil {
		return nil, fmt.Errorf("start the trace exporter: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithExportTimeout(c.ExportTimeout)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "payonce"), attribute.String("service.version", c.Version),
		)),
	)
	return &Tracing{TracerProvider: provider, shutdown: provider.Shutdown}, nil
}

// Shutdown sends what is left, for 3 s at most, whatever ctx allows.
func (t *Tracing) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	return t.shutdown(ctx)
}

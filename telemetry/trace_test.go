package telemetry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/payonce/payonce/telemetry"
)

func TestWithoutEndpointNothingIsTraced(t *testing.T) {
	tr, err := telemetry.NewTracing(t.Context(), telemetry.TracingConfig{Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tr.Tracer("test").Start(t.Context(), "span")
	if span.IsRecording() {
		t.Error("a span is recorded that nobody gets")
	}
	if err := tr.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSpansReachTheCollectorAtShutdown(t *testing.T) {
	got := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case got <- r.URL.Path:
		default:
		}
	}))
	defer collector.Close()
	tr, err := telemetry.NewTracing(t.Context(), telemetry.TracingConfig{Endpoint: collector.URL, Ratio: 1, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tr.Tracer("test").Start(t.Context(), "span")
	span.End()
	if err := tr.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if path := <-got; path != "/v1/traces" {
		t.Errorf("exported to %s", path)
	}
}

// TestShutdownIsBounded: a collector that takes the connection and never answers does not hold up a stop.
func TestShutdownIsBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-ctx.Done():
		case <-r.Context().Done():
		}
	}))
	defer collector.Close()
	defer cancel()
	tr, err := telemetry.NewTracing(t.Context(), telemetry.TracingConfig{Endpoint: collector.URL, Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tr.Tracer("test").Start(t.Context(), "span")
	span.End()
	began := time.Now()
	if err := tr.Shutdown(t.Context()); err == nil {
		t.Error("the spans cannot have arrived")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
}

package api

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// remoteParent takes the caller's trace context from traceparent. Only that one header is read: tracestate and baggage
// are free text. A value that is not of the grammar is ignored, as the standard says.
// Source: https://www.w3.org/TR/trace-context/#traceparent-header
func remoteParent(ctx context.Context, h http.Header) context.Context {
	values := h["Traceparent"]
	if len(values) != 1 {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": values[0]})
}

// traceparent is the context's span for whoever goes on with the work; empty if nobody records it.
func traceparent(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() || !sc.IsSampled() {
		return ""
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-01"
}

package api

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/payonce/payonce/events"
)

const (
	parent  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	silent  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
)

func TestTraceGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		given []string
		want  string
	}{
		"sampled":     {[]string{parent}, parent},
		"not sampled": {[]string{silent}, ""},
		"none":        {nil, ""},
		"malformed":   {[]string{"00-xyz"}, ""},
		"two":         {[]string{parent, parent}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.call(request{
				method: "POST", target: "/v1/payments", secret: h.shop, key: "k1", body: plain,
				header: map[string][]string{"Traceparent": c.given},
			}).want(t, 202, "")
			if got := h.ledger.Records()[0].Trace; got != c.want {
				t.Errorf("trace %q, want %q", got, c.want)
			}
		})
	}
}

func TestServerSpan(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	h := newHouse(t, func(c *Config) { c.Tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)) })
	a := h.call(request{
		method: "POST", target: "/v1/payments", secret: h.shop, key: "k1", body: plain,
		header: map[string][]string{"Traceparent": {parent}},
	})
	h.submit("", plain).want(t, 400, "")
	ended := spans.Ended()
	if len(ended) != 2 {
		t.Fatalf("%d spans", len(ended))
	}
	s := ended[0]
	if s.Name() != "POST /v1/payments" || s.SpanContext().TraceID().String() != traceID {
		t.Errorf("span %s of trace %s", s.Name(), s.SpanContext().TraceID())
	}
	want := "00-" + traceID + "-" + s.SpanContext().SpanID().String() + "-01"
	if got := h.ledger.Records()[0].Trace; got != want {
		t.Errorf("trace %q, want %q", got, want)
	}
	attrs := attribute.NewSet(s.Attributes()...)
	if v, _ := attrs.Value("payonce.payment"); v.AsString() != a.text("id") {
		t.Errorf("attributes %v", s.Attributes())
	}
	refused := attribute.NewSet(ended[1].Attributes()...)
	if v, _ := refused.Value("http.response.status_code"); v.AsInt64() != 400 {
		t.Errorf("attributes %v", ended[1].Attributes())
	}
	if _, err := events.ParseID(a.text("id")); err != nil {
		t.Error(err)
	}
}

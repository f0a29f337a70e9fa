package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/idempotency"
)

// Everything that Stripe, or someone in its place, can say is full of what must not be kept; so is the request. None
// of it is in the log, the spans, the metrics or the answers, but what is meant to be.
func TestNothingSecretIsKept(t *testing.T) {
	number := "4000 0000" + " 0000 9995" // a test number
	const planted = "PLANTED"
	plant := planted + " " + number + " " + testKey
	replies := []struct {
		status int
		body   string
	}{
		{200, strings.Replace(paid, `"metadata"`, `"description":"`+plant+`","client_secret":"`+planted+`","metadata"`, 1)},
		{200, "<html>" + plant},
		{402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"stolen_card","message":"` + number + `"}}`},
		{402, `{"error":{"type":"card_error","code":"` + plant + `","decline_code":"` + plant + `","message":"Card ` + number + `."}}`},
		{400, `{"error":{"type":"invalid_request_error","message":"Invalid ` + number + `","param":"` + plant + `"}}`},
		{400, `{"error":{"type":"idempotency_error","message":"` + number + `"}}`},
		{401, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: ` + number + `"}}`},
		{500, `{"error":{"type":"api_error","message":"` + number + `"}}`},
		{502, plant},
	}
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", plant)
		w.WriteHeader(replies[n].status)
		_, _ = io.WriteString(w, replies[n].body)
	}))
	defer server.Close()
	log := &lines{}
	spans := tracetest.NewInMemoryExporter()
	reg := prometheus.NewRegistry()
	s := newGateway(t, server.URL, logTo(log), func(c *gateway.Config) {
		c.Tracer, c.Registerer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), reg
	})
	rec := record(1)
	rec.Request.Description, rec.Reference = plant, planted
	rec.Request.Metadata = map[string]string{"note": plant}
	var kept strings.Builder
	for n = range replies {
		for _, call := range []idempotency.Call{
			createConfirm(rec, "key-"+planted), create(rec, "key-"+planted), confirm(rec, "pi_3Test", "key-"+planted),
			retrieve(rec, "pi_3Test"), cancel(rec, "pi_3Test"), find(rec),
		} {
			a := s.Do(t.Context(), call)
			fmt.Fprintf(&kept, "%+v", a)
			if a.Intent != nil {
				fmt.Fprintf(&kept, "%+v", *a.Intent)
			}
			if a.Failure != nil {
				fmt.Fprintf(&kept, "%+v", *a.Failure)
			}
		}
		fmt.Fprintf(&kept, "%+v", s.Ping(t.Context()))
	}
	if len(spans.GetSpans()) != 6*len(replies) || log.String() == "" {
		t.Fatalf("%d spans; log: %s", len(spans.GetSpans()), log)
	}
	allowed := map[string]bool{"payonce.call.kind": true, "payonce.answer.class": true, "stripe.request_id": true, "payonce.attempt": true}
	for _, span := range spans.GetSpans() {
		for _, a := range span.Attributes {
			if !allowed[string(a.Key)] {
				t.Errorf("attribute %s", a.Key)
			}
		}
		fmt.Fprintf(&kept, "%s %v %v %v", span.Name, span.Attributes, span.Events, span.Status)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(&kept, families, log.String())
	for _, secret := range []string{planted, "0000 9995", strings.ReplaceAll(number, " ", ""), testKey, "client_secret"} {
		if i := strings.Index(kept.String(), secret); i >= 0 {
			t.Errorf("%q was kept: %.300s", secret, kept.String()[max(0, i-150):])
		}
	}
}

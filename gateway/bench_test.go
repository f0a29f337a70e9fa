package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
)

// cpu is the processor time of this process so far; the stand-in for Stripe is in it, alike for each benchmark here.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// far answers each request with one PaymentIntent of the size and form that Stripe's have.
func far(b *testing.B) string {
	core, err := sandbox.New(sandbox.Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	form := string(gateway.Forms{Installation: installation}.CreateConfirmForm(record(1, full, func(r *idempotency.Record) { r.Request.OffSession = false })))
	resp := core.Handle(sandbox.Request{Method: "POST", Path: "/v1/payment_intents", Body: form, IdempotencyKey: "k", Authorization: "Bearer " + testKey}, time.Now(), sandbox.Fault{})
	if resp.Status != http.StatusOK {
		b.Fatalf("%s", resp.Body)
	}
	body := string(resp.Body)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("Request-Id", "req_1")
		_, _ = io.WriteString(w, body)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

func measured(b *testing.B, call func()) {
	call() // dial
	b.ReportAllocs()
	began := cpu()
	for b.Loop() {
		call()
	}
	b.ReportMetric(float64((cpu()-began).Microseconds())/float64(b.N), "cpu-us/op")
}

// BenchmarkDo is a confirm through this package.
func BenchmarkDo(b *testing.B) {
	s := newGateway(b, far(b))
	call := createConfirm(record(1), "k")
	measured(b, func() {
		if a := s.Do(b.Context(), call); a.Class != idempotency.AnswerIntent {
			b.Fatalf("%+v", a)
		}
	})
}

// BenchmarkTyped is the same through stripe-go's typed call, with a pooled transport and its retries off.
func BenchmarkTyped(b *testing.B) {
	pool := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer pool.CloseIdleConnections()
	backend := stripego.GetBackendWithConfig(stripego.APIBackend, &stripego.BackendConfig{
		URL: stripego.String(far(b)), HTTPClient: pool, MaxNetworkRetries: stripego.Int64(0), EnableTelemetry: stripego.Bool(false),
		LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull},
	})
	api := client.New(testKey, &stripego.Backends{API: backend})
	measured(b, func() {
		p := &stripego.PaymentIntentParams{
			Amount: stripego.Int64(1000), Currency: stripego.String("eur"), PaymentMethodTypes: []*string{stripego.String("card")},
			PaymentMethod: stripego.String("pm_card_visa"), Confirm: stripego.Bool(true),
		}
		p.Context = b.Context()
		p.SetIdempotencyKey("k")
		p.AddExpand("latest_charge")
		p.AddMetadata("payonce_id", "pay_aa000000000000000000000000000001")
		p.AddMetadata("payonce_installation", installation.String())
		if pi, err := api.PaymentIntents.New(p); err != nil || pi.Status != stripego.PaymentIntentStatusSucceeded {
			b.Fatal(err)
		}
	})
}

// BenchmarkFloor is a plain net/http form POST whose answer is read and not decoded: what neither can save.
func BenchmarkFloor(b *testing.B) {
	pool := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer pool.CloseIdleConnections()
	url := far(b) + "/v1/payment_intents"
	form := string(createConfirm(record(1), "k").Form)
	measured(b, func() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(form))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := pool.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if err := resp.Body.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkForms is what a payment's two bodies cost.
func BenchmarkForms(b *testing.B) {
	f := gateway.Forms{Installation: installation}
	rec := record(1)
	b.ReportAllocs()
	for b.Loop() {
		f.CreateForm(rec)
		f.ConfirmForm(rec)
	}
}

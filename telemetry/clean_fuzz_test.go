package telemetry

import (
	"testing"

	"github.com/payonce/payonce/events"
)

// The quick look before the pattern must not let pass what the pattern would have taken out.
func FuzzSuspicious(f *testing.F) {
	for _, text := range []string{
		"nothing here", "sk_live_" + "abc", "rk_test_" + "1", "whsec_" + "x+/=", "pi_3_secret_" + "abc", "po_" + "0123456789abcdefg", "Authorization: BEARER  abc",
		"bearer", "Bearer ", "ſk_live_x", "K_live_", "po_" + "short", "bear\u212aer x", "b\x00earer x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = events.Redact(text)
		if !suspicious(text) && secrets.MatchString(text) {
			t.Fatalf("%q would pass with its secret", text)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	for name, text := range map[string]string{
		"route": "POST /v1/payments", "payment": "pay_0123456789abcdef0123456789abcdef", "error": "stripe: 500 from " + "https://api.stripe.com/v1/payment_intents: connection reset by peer",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Clean(text)
			}
		})
	}
}

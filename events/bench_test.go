package events

import (
	"testing"
	"time"
)

// benchBody is a usual request of 400 bytes.
const benchBody = `{"amount":129900,"currency":"eur","payment_method":"pm_1N4pKc2eZvKYlo2CgGkbv0Xz","customer":"cus_Na6dX7aXxi11N4",` +
	`"reference":"A-2024-00012345","description":"Order A-2024-00012345: two boots, one coat","metadata":{"cart":"b7c1f0c2-93f1-4a52-8f0e-4c1d2f6a7b90",` +
	`"channel":"web","locale":"de-DE"},"return_url":"https://shop.example/checkout/A-2024-00012345/done","statement_descriptor_suffix":"A12345"}`

func BenchmarkDecodePayment(b *testing.B) {
	body := []byte(benchBody)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodePayment(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGuard(b *testing.B) {
	body := []byte(benchBody)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if CardNumberInText(body) {
			b.Fatal("found")
		}
	}
}

func BenchmarkCanonicalAndFingerprint(b *testing.B) {
	p, err := DecodePayment([]byte(benchBody))
	if err != nil {
		b.Fatal(err)
	}
	secret := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		Fingerprint(secret, KindCharge, p.Canonical())
	}
}

func BenchmarkParseKeyAndPaymentID(b *testing.B) {
	values := []string{"b7c1f0c2-93f1-4a52-8f0e-4c1d2f6a7b90"}
	b.ReportAllocs()
	for b.Loop() {
		key, err := ParseKey(values)
		if err != nil {
			b.Fatal(err)
		}
		PaymentID(testInstallation, "acme", key)
	}
}

func BenchmarkCloudEvent(b *testing.B) {
	o := Outcome{Payment: ID{1}, State: "succeeded", Version: 4, At: time.Unix(1731922200, 0), Amount: Money{1000, "EUR"}, Card: &Card{"visa", "4242", 12, 2027}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.CloudEvent("/payonce/b"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	const text = "Your card has insufficient funds. (request req_Zb2pQm8rYx41Ns, decline insufficient_funds)"
	b.ReportAllocs()
	for b.Loop() {
		Redact(text)
	}
}

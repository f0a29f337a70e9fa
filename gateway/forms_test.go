package gateway_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
)

// full is a payment with everything that can be asked for.
func full(r *idempotency.Record) {
	r.Reference, r.AllowRepeat = "Bestellung Nr. A-17/ü", true
	*r.Request = events.Payment{
		Amount: events.Money{Minor: 123456, Currency: "JPY"}, PaymentMethod: "pm_card_visa", Customer: "cus_1", Reference: r.Reference,
		Description: "Two & a half = 2½ + 0%", Metadata: map[string]string{"b": "2", "a": "1 &=+%", "ü ": "x", "empty": ""},
		ReturnURL: "https://shop.example/done?order=17&x=y", OffSession: true, SetupFutureUsage: "off_session",
		StatementDescriptorSuffix: "SHOP A17", AllowRepeat: true,
	}
	r.Amount = r.Request.Amount
}

func bare(r *idempotency.Record) { r.Reference, r.Request.Reference = "", "" }

func TestForms(t *testing.T) {
	f := gateway.Forms{Installation: installation}
	for name, set := range map[string]func(*idempotency.Record){"usual": func(*idempotency.Record) {}, "full": full, "bare": bare} {
		rec := record(1, set)
		for kind, encode := range map[string]func(idempotency.Record) []byte{
			"create": f.CreateForm, "confirm": f.ConfirmForm, "create_confirm": f.CreateConfirmForm,
		} {
			form := encode(rec)
			for range 20 {
				if !bytes.Equal(form, encode(rec)) {
					t.Fatalf("%s %s: other bytes at another time", name, kind)
				}
			}
			// One field a line reads better; the bytes are the same.
			golden(t, "forms/"+kind+"_"+name+".golden", append(bytes.ReplaceAll(form, []byte("&"), []byte("\n&")), '\n'))
			if _, err := sandbox.ParseForm(string(form)); err != nil {
				t.Errorf("%s %s: %v", name, kind, err)
			}
			confirms := kind != "create"
			for _, field := range []string{"return_url=", "off_session="} {
				if strings.Contains(string(form), field) != (confirms && name == "full") {
					t.Errorf("%s %s: %s", name, kind, field)
				}
			}
		}
	}
	if f.CreateForm(idempotency.Record{}) != nil || f.ConfirmForm(idempotency.Record{}) != nil || f.CreateConfirmForm(idempotency.Record{}) != nil {
		t.Error("a form of nothing")
	}
}

func TestFormsAreAccepted(t *testing.T) {
	r := newRig(t)
	for n, set := range []func(*idempotency.Record){func(*idempotency.Record) {}, bare, func(r *idempotency.Record) {
		full(r)
		r.Request.OffSession = false
	}} {
		rec := record(byte(n), set)
		id := r.open(rec, "c"+string('0'+rune(n))).ID
		if a := r.want(idempotency.AnswerIntent, confirm(rec, id, "k"+string('0'+rune(n)))); a.Intent.Status != idempotency.IntentSucceeded {
			t.Errorf("%+v", a.Intent)
		}
		r.want(idempotency.AnswerIntent, createConfirm(rec, "o"+string('0'+rune(n))))
	}
}

// The SDK and the forms have to be of one version.
func TestAPIVersion(t *testing.T) {
	for whose, version := range map[string]string{
		"the SDK": stripego.APIVersion, "the sandbox": sandbox.APIVersion, "the encoder": gateway.Forms{}.APIVersion(),
	} {
		if version != gateway.APIVersion {
			t.Errorf("%s: %s, want %s", whose, version, gateway.APIVersion)
		}
	}
}

// Whatever an app puts in, Stripe reads what was meant, and none of it under our names.
func TestFormsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[^\x00]{0,40}`)
		rec := record(1)
		rec.Tenant = rapid.StringMatching(`[a-z]{1,20}`).Draw(t, "tenant")
		rec.Request.Description = text.Draw(t, "description")
		rec.Request.ReturnURL = text.Draw(t, "return_url")
		rec.Request.Metadata = rapid.MapOf(rapid.OneOf(rapid.StringMatching(`[a-z_]{1,10}`), rapid.Just("payonce_id")), text).Draw(t, "metadata")
		form := string(gateway.Forms{Installation: installation}.CreateConfirmForm(rec))
		got, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"description": rec.Request.Description, "return_url": rec.Request.ReturnURL, "metadata[payonce_id]": rec.ID.String(),
			"metadata[payonce_tenant]": rec.Tenant, "amount": "1000", "currency": "eur", "confirm": "true",
			"payment_method_types[]": "card", "expand[]": "latest_charge",
		}
		for name, value := range rec.Request.Metadata {
			if !strings.HasPrefix(name, "payonce_") {
				want["metadata["+name+"]"] = value
			}
		}
		for name, value := range want {
			if got.Get(name) != value || len(got[name]) > 1 {
				t.Fatalf("%s: %q, want %q in %s", name, got[name], value, form)
			}
		}
	})
}

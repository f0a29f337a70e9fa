package events

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

// TestCanonicalIsStable: fingerprints of stored payments depend on these
// bytes. The file may gain lines, but no line may change.
func TestCanonicalIsStable(t *testing.T) {
	var out []byte
	for _, p := range []Payment{
		{Amount: Money{1, "JPY"}, PaymentMethod: "pm_1"},
		{Amount: Money{MaxAmount, "KWD"}, PaymentMethod: "pm_1", OffSession: true, Customer: "cus_1"},
		{Amount: Money{5, "EUR"}, PaymentMethod: "pm_1", Metadata: map[string]string{}},
		{Amount: Money{5, "EUR"}, PaymentMethod: "pm_1", Description: "\" \\ / < > & \x01 é \u2028 😀"},
		fullPayment,
	} {
		out = append(out, p.Canonical()...)
		out = append(out, '\n')
		out = fmt.Appendf(out, "%x\n", Fingerprint([]byte("a secret for this test"), KindCharge, p.Canonical()))
	}
	out = append(out, ReferenceToken("acme", "order-17")...)
	golden(t, "canonical.golden", append(out, '\n'))
}

func TestCanonicalIsOneFormPerMeaning(t *testing.T) {
	a, err := DecodePayment([]byte(fullBody))
	if err != nil {
		t.Fatal(err)
	}
	if string(a.Canonical()) != string(fullPayment.Canonical()) {
		t.Error("spelling shows in the canonical form")
	}
	// And every member shows: a change of any changes the form.
	base := string(fullPayment.Canonical())
	v := reflect.ValueOf(fullPayment)
	for i := range v.NumField() {
		changed := fullPayment
		field := reflect.ValueOf(&changed).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString(field.String() + "x")
		case reflect.Bool:
			field.SetBool(!field.Bool())
		case reflect.Struct:
			field.Set(reflect.ValueOf(Money{1000, "USD"}))
		case reflect.Map:
			field.Set(reflect.ValueOf(map[string]string{"z": "1"}))
		default:
			t.Fatalf("%s: no change for this kind", v.Type().Field(i).Name)
		}
		if string(changed.Canonical()) == base {
			t.Errorf("%s does not show", v.Type().Field(i).Name)
		}
	}
}

func TestPaymentJSON(t *testing.T) {
	text, err := json.Marshal(fullPayment)
	if err != nil {
		t.Fatal(err)
	}
	var back Payment
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, fullPayment) {
		t.Errorf("got %+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"amount":1}`), &back); err == nil {
		t.Error("an incomplete payment was read")
	}
}

func TestFingerprintDependsOnEachPart(t *testing.T) {
	base := Fingerprint([]byte("s"), KindCharge, []byte("{}"))
	for name, other := range map[string][32]byte{
		"secret": Fingerprint([]byte("t"), KindCharge, []byte("{}")),
		"kind":   Fingerprint([]byte("s"), "refund", []byte("{}")),
		"body":   Fingerprint([]byte("s"), KindCharge, []byte("{} ")),
		"border": Fingerprint([]byte("s"), KindCharge+"{", []byte("}")),
	} {
		if other == base {
			t.Errorf("another %s gives the same fingerprint", name)
		}
	}
}

func TestReferenceToken(t *testing.T) {
	if got := ReferenceToken("acme", ""); got != "" {
		t.Errorf("no reference gives %q", got)
	}
	if got := ReferenceToken("acme", "order-17"); len(got) != 32 {
		t.Errorf("got %q", got)
	}
	if ReferenceToken("ab", "c") == ReferenceToken("a", "bc") {
		t.Error("the border between tenant and reference does not show")
	}
}

package events

import (
	"errors"
	"testing"

	"github.com/google/uuid"
)

var testInstallation = uuid.MustParse("6f1d1a52-0d0c-4c58-9d6e-3f7b4e1c2a90")

func mustKey(t testing.TB, s string) Key {
	t.Helper()
	key, err := ParseKey([]string{s})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestPaymentIDIsStable(t *testing.T) {
	// Ids outlive releases: this one may never change.
	const want = "pay_22beb59af04f55d6a09918d2ea2845de"
	if got := PaymentID(testInstallation, "acme", mustKey(t, "order-1")).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPaymentIDDependsOnEachPart(t *testing.T) {
	base := PaymentID(testInstallation, "acme", mustKey(t, "order-1"))
	for name, other := range map[string]ID{
		"installation": PaymentID(uuid.Nil, "acme", mustKey(t, "order-1")),
		"tenant":       PaymentID(testInstallation, "acm", mustKey(t, "order-1")),
		"key":          PaymentID(testInstallation, "acme", mustKey(t, "order-2")),
	} {
		if other == base {
			t.Errorf("another %s gives the same id", name)
		}
	}
	if quoted := PaymentID(testInstallation, "acme", mustKey(t, `"order-1"`)); quoted != base {
		t.Error("the quoted key gives another id")
	}
	if version := uuid.UUID(base).Version(); version != 5 {
		t.Errorf("version %d", version)
	}
}

func TestParseID(t *testing.T) {
	id := PaymentID(testInstallation, "acme", mustKey(t, "k"))
	got, err := ParseID(id.String())
	if err != nil || got != id {
		t.Fatalf("got %v, %v", got, err)
	}
	text, err := id.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var back ID
	if err := back.UnmarshalText(text); err != nil || back != id {
		t.Errorf("text: got %v, %v", back, err)
	}
	if id.IsZero() || !(ID{}).IsZero() {
		t.Error("IsZero is wrong")
	}
	hex := id.String()[4:]
	for _, bad := range []string{
		"", "pay_", "pay", hex, "op_" + hex, "PAY_" + hex, "pay_" + hex[1:], "pay_" + hex + "0",
		"pay_" + hex[:31] + "g", "pay_" + hex[:31] + "A", " pay_" + hex[1:], "pay_" + hex[:30] + "é",
	} {
		if got, err := ParseID(bad); !errors.Is(err, ErrID) || !got.IsZero() {
			t.Errorf("%q: got %v, %v", bad, got, err)
		}
		if err := back.UnmarshalText([]byte(bad)); !errors.Is(err, ErrID) || back != id {
			t.Errorf("%q: UnmarshalText gave %v, %v", bad, back, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("pay_0123456789abcdef0123456789abcdef")
	f.Add("pay_0123456789ABCDEF0123456789abcdef")
	f.Add("op_0123456789abcdef0123456789abcdef")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			if !errors.Is(err, ErrID) || !id.IsZero() {
				t.Fatalf("got %v, %v", id, err)
			}
			return
		}
		if id.String() != s {
			t.Fatalf("%q prints as %q", s, id)
		}
	})
}

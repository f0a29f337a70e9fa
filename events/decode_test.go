package events

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func sortByName[T any](s []T, name func(T) string) {
	slices.SortFunc(s, func(a, b T) int { return strings.Compare(name(a), name(b)) })
}

// fullBody has every member, in an order and spelling of its own.
const fullBody = `{
	"statement_descriptor_suffix": "ORDER A17", "setup_future_usage": "on_session", "return_url": "https://shop.example/back?order=17#done",
	"reference": "order-17", "payment_method": "pm_card_visa", "off_session": false, "metadata": {"z": "ä \"quoted\"", "a": "1", "B": "\u00e4\u2028"},
	"description": "Two boots, one \u2603", "customer": "cus_Na6dX7aXxi11N4", "currency": "eUr", "capture_method": "automatic", "amount": 1000, "allow_repeat": true
}`

var fullPayment = Payment{
	Amount: Money{1000, "EUR"}, PaymentMethod: "pm_card_visa", Customer: "cus_Na6dX7aXxi11N4", Reference: "order-17",
	Description: "Two boots, one ☃", Metadata: map[string]string{"z": `ä "quoted"`, "a": "1", "B": "ä\u2028"},
	ReturnURL: "https://shop.example/back?order=17#done", SetupFutureUsage: "on_session", StatementDescriptorSuffix: "ORDER A17", AllowRepeat: true,
}

func TestDecodePayment(t *testing.T) {
	least := Payment{Amount: Money{1000, "EUR"}, PaymentMethod: "pm_card_visa"}
	change := func(f func(*Payment)) Payment {
		p := least
		f(&p)
		return p
	}
	cases := []struct {
		name, body string
		want       Payment
	}{
		{"least", with("amount", "1000"), least},
		{"full", fullBody, fullPayment},
		{"smallest amount", with("amount", "1"), change(func(p *Payment) { p.Amount.Minor = 1 })},
		{"largest amount", with("amount", "999999999999"), change(func(p *Payment) { p.Amount.Minor = MaxAmount })},
		{"lower case currency", with("currency", `"jpy"`), change(func(p *Payment) { p.Amount.Currency = "JPY" })},
		{"escaped name", `{"\u0061mount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`, least},
		{"no metadata entries", with("metadata", "{}"), least},
		{"off session", with("off_session", "true"), change(func(p *Payment) { p.OffSession = true })},
		{"longest reference", with("reference", `"`+strings.Repeat("ä", 128)+`"`), change(func(p *Payment) { p.Reference = strings.Repeat("ä", 128) })},
		{"reference with a space", with("reference", `"order 17"`), change(func(p *Payment) { p.Reference = "order 17" })},
		{"numeric reference", with("reference", `"20241118093000"`), change(func(p *Payment) { p.Reference = "20241118093000" })},
		{"uuid reference", with("reference", `"42424242-4242-4242-8242-424242424242"`), change(func(p *Payment) { p.Reference = "42424242-4242-4242-8242-424242424242" })},
		{"local return_url", with("return_url", `"http://127.0.0.1:8080/back"`), change(func(p *Payment) { p.ReturnURL = "http://127.0.0.1:8080/back" })},
		{"white space around", " \r\n\t" + with("amount", "1000") + "\n", least},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodePayment([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v", got)
			}
			again, err := DecodePayment(got.Canonical())
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("the canonical form gives %+v, %v", again, err)
			}
		})
	}
}

func TestDecodePaymentNamesEveryBadField(t *testing.T) {
	body := `{"amount":-1,"currency":"??","payment_method":7,"customer":null,"reference":"","metadata":{"a/b":1,"c~d":""},"Amount":5,"nested":{"x":[{"y":1}]}}`
	_, err := DecodePayment([]byte(body))
	var bad *InvalidError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	var got []string
	for _, f := range bad.Fields {
		got = append(got, f.Pointer+" "+f.Code)
	}
	want := []string{
		"/amount range", "/currency syntax", "/payment_method type", "/customer type", "/reference length",
		"/metadata/a~1b type", "/metadata/c~0d length", "/Amount unknown", "/nested unknown",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if text := bad.Error(); !strings.Contains(text, "lower case: amount") || !strings.Contains(text, "null") {
		t.Errorf("no remedy in %s", text)
	}
}

func TestDecodePaymentPointers(t *testing.T) {
	cases := []struct{ name, body, pointer, code string }{
		{"duplicate", `{"amount":1,"amount":2}`, "/amount", FieldDuplicate},
		{"duplicate in metadata", `{"metadata":{"a":"1","a":"2"}}`, "/metadata/a", FieldDuplicate},
		{"invalid UTF-8", "{\"reference\":\"\xff\"}", "/reference", FieldSyntax},
		{"card data, deep", `{"card":{"list":[{"cvc":"1"}]}}`, "/card/list/0/cvc", FieldCardData},
		{"card number in metadata", `{"metadata":{"a":"` + testCards["visa"] + `"}}`, "/metadata", FieldCardNumber},
		{"card number as a name", `{"` + testCards["visa"] + `":1}`, "", FieldCardNumber},
		{"card number in broken JSON", `{"reference":"` + testCards["visa"], "", FieldCardNumber},
		{"a long name", `{"` + strings.Repeat("n", 500) + `":1}`, "", FieldUnknown},
		{"a name not to be shown", `{"a\u202eb":1}`, "", FieldUnknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodePayment([]byte(c.body))
			var bad *InvalidError
			if !errors.As(err, &bad) {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(bad.Fields, func(f FieldError) bool { return f.Pointer == c.pointer && f.Code == c.code }) {
				t.Errorf("got %+v", bad.Fields)
			}
			checkRefusal(t, bad)
		})
	}
}

func TestDecodePaymentBoundsItsAnswer(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"amount":1000`)
	for i := range 5000 {
		fmt.Fprintf(&b, `,"m%d":{"a":[1,2]}`, i)
	}
	b.WriteString("}")
	_, err := DecodePayment([]byte(b.String()))
	var bad *InvalidError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	checkRefusal(t, bad)
}

func TestManualCaptureBesidesOtherFaults(t *testing.T) {
	_, err := DecodePayment([]byte(`{"amount":0,"currency":"EUR","payment_method":"pm_1","capture_method":"manual"}`))
	var bad *InvalidError
	if !errors.As(err, &bad) || bad.Code != CodeInvalidRequest || len(bad.Fields) != 2 {
		t.Errorf("got %v", err)
	}
}

func TestNamesCardData(t *testing.T) {
	for name, want := range map[string]bool{
		"number": true, "Number": true, "CARD-NUMBER": true, "card_number": true, "card[number]": true, "payment_method_data[card][cvc]": true,
		"card.exp_month": true, "track_1": true, "pin block": true, "cvv2": true,
		"order_number": false, "phone_number": false, "numbers": false, "tracking": false, "track_id": false, "pandora": false,
		"": false, "[": false, "]": false, "account_number": false, strings.Repeat("n", 100): false,
	} {
		if got := namesCardData(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

func FuzzDecodePayment(f *testing.F) {
	f.Add([]byte(fullBody))
	f.Add([]byte(with("amount", "1")))
	for i, c := range malformedBodies() {
		if i%7 == 0 && len(c.body) < 2000 {
			f.Add([]byte(c.body))
		}
	}
	const marker = "q7Zk-planted"
	f.Add([]byte(with("description", `"`+marker+`\n"`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := DecodePayment(body)
		if err != nil {
			var bad *InvalidError
			if !errors.As(err, &bad) {
				t.Fatalf("an error of another type: %v", err)
			}
			checkRefusal(t, bad)
			// Messages are ours alone: no value shows in any of them.
			for _, f := range bad.Fields {
				if strings.Contains(f.Message, marker) {
					t.Fatal("a message repeats the body")
				}
				if !knownMessage(f.Message) {
					t.Fatalf("a message that is not from the source: %q", f.Message)
				}
			}
			return
		}
		if CardNumberInText(body) {
			t.Fatal("accepted beside a card number")
		}
		canonical := p.Canonical()
		again, err := DecodePayment(canonical)
		if err != nil {
			t.Fatalf("the canonical form is refused: %v", err)
		}
		if !reflect.DeepEqual(again, p) || string(again.Canonical()) != string(canonical) {
			t.Fatalf("round trip: %+v became %+v", p, again)
		}
	})
}

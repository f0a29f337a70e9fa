package events_test

import (
	"errors"
	"fmt"

	"github.com/payonce/payonce/events"
)

func ExampleDecodePayment() {
	payment, err := events.DecodePayment([]byte(`{"amount":1000,"currency":"eur","payment_method":"pm_card_visa","reference":"order-17"}`))
	fmt.Println(payment.Amount, payment.Reference, err)

	_, err = events.DecodePayment([]byte(`{"amount":10.00,"currency":"eur","paymentMethod":"pm_card_visa"}`))
	var invalid *events.InvalidError
	if errors.As(err, &invalid) {
		for _, f := range invalid.Fields {
			fmt.Println(f.Pointer, f.Code)
		}
	}
	// Output:
	// 10.00 EUR order-17 <nil>
	// /amount syntax
	// /paymentMethod unknown
	// /payment_method missing
}

func ExampleParseKey() {
	bare, _ := events.ParseKey([]string{`order-17`})
	quoted, _ := events.ParseKey([]string{`"order-17"`})
	fmt.Println(bare == quoted, bare)
	// Output: true [key]
}

func ExampleMoney_String() {
	fmt.Println(events.Money{Minor: 1000, Currency: "EUR"}, events.Money{Minor: 500, Currency: "JPY"}, events.Money{Minor: 5120, Currency: "KWD"})
	// Output: 10.00 EUR 500 JPY 5.120 KWD
}

func ExampleRedact() {
	fmt.Println(events.Redact("declined: cvc 123 does not match"))
	// Output: declined: cvc [redacted] does not match
}

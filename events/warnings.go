package events

import "strconv"

// The values of Warning.Code.
const (
	// WarnTwoDecimals: Stripe takes this zero-decimal currency with two decimals.
	WarnTwoDecimals = "stripe_two_decimals"
	// WarnNoDecimals: Stripe takes this currency without the decimals it has.
	WarnNoDecimals = "stripe_no_decimals"
	// WarnFraction: the amount has a fraction that Stripe will refuse.
	WarnFraction = "fraction_not_chargeable"
	// WarnBelowMinimum: the amount is below the least that Stripe charges.
	WarnBelowMinimum = "below_minimum"
	// WarnLarge: some cards and accounts cannot be charged that much.
	WarnLarge = "above_eight_digits"
	// WarnPayout: the currency has other decimals when it is paid out.
	WarnPayout = "payout_without_decimals"
)

// Warning is something about a request that is allowed but likely to be
// refused or misread later. Message is a sentence for people.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Warnings lists what Stripe is known to treat specially about this amount;
// nil if nothing. The minimums are those of an account that settles in the
// same currency; another account converts first, so they are a hint.
// Source: https://docs.stripe.com/currencies (special cases, minimum and
// maximum charge amounts), as of 2026.
func (m Money) Warnings() []Warning {
	var w []Warning
	add := func(code, message string) { w = append(w, Warning{code, message}) }
	c := string(m.Currency)
	switch m.Currency {
	case "ISK", "UGX":
		add(WarnTwoDecimals, "Stripe takes "+c+" with two decimals: 500 charges 5 "+c)
		if m.Minor%100 != 0 {
			add(WarnFraction, "a fraction of "+c+" cannot be charged: use a multiple of 100")
		}
	case "MGA":
		add(WarnNoDecimals, "Stripe takes MGA without decimals: 500 charges 500 MGA")
	case "HUF", "TWD":
		if m.Minor%100 != 0 {
			add(WarnPayout, "Stripe pays "+c+" out in whole units only: the fraction stays in the balance")
		}
	}
	if m.Currency.StripeExponent() == 3 && m.Minor%10 != 0 {
		add(WarnFraction, "the last digit of an amount in "+c+" must be 0: round to the nearest ten")
	}
	if least, ok := minimums[m.Currency]; ok && m.Minor < least {
		add(WarnBelowMinimum, "Stripe charges at least "+Money{least, m.Currency}.String()+" on an account that settles in "+c)
	}
	if m.Minor > eightDigits {
		add(WarnLarge, "amounts above "+strconv.Itoa(eightDigits)+
			" are refused for some cards and accounts: American Express ends at nine digits, JCB, Diners Club and Discover in Japan at eight")
	}
	return w
}

// MaxAmount is the largest Money.Minor that a payment may have: Stripe takes
// up to twelve digits for most card payments. What a card's network takes may
// be less; Warnings tells.
// Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
const MaxAmount = 999_999_999_999

const eightDigits = 99_999_999

// minimums are the least amounts that Stripe charges, by settlement currency.
var minimums = map[Currency]int64{
	"AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1500,
	"DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "IDR": 50, "ILS": 50, "INR": 50,
	"JPY": 50, "KRW": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PHP": 50, "PLN": 200,
	"RON": 200, "RUB": 50, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50, "ZAR": 50,
}

package events

// Currency is an ISO 4217 alphabetic code in upper case. The zero value is no
// currency.
type Currency string

// ParseCurrency reads an ISO 4217 code of an active currency in either case.
// Errors: ErrCurrency.
func ParseCurrency(s string) (Currency, error) {
	if len(s) != 3 {
		return "", ErrCurrency
	}
	var up [3]byte
	for i := range up {
		c := s[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		up[i] = c
	}
	if _, ok := currencies[Currency(up[:])]; !ok {
		return "", ErrCurrency
	}
	return Currency(up[:]), nil
}

// Exponent is the number of decimals that ISO 4217 gives the currency: 2 for
// EUR, 0 for JPY, 3 for KWD. It is 0 for a currency that is not in the list.
func (c Currency) Exponent() int { return int(currencies[c]) }

// StripeExponent is the number of decimals that Stripe's amount has. It
// differs from Exponent for a few: Stripe takes ISK and UGX with two decimals
// for backward compatibility, and MGA with none.
// Source: https://docs.stripe.com/currencies#special-cases
func (c Currency) StripeExponent() int {
	switch c {
	case "ISK", "UGX":
		return 2
	case "MGA":
		return 0
	default:
		return c.Exponent()
	}
}

package events

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
)

var (
	// ErrCurrency means that a text is no ISO 4217 currency code.
	ErrCurrency = errors.New("a currency is a three-letter ISO 4217 code, such as EUR")
	// ErrCurrencyMismatch means that two amounts are of different currencies.
	ErrCurrencyMismatch = errors.New("the amounts are of different currencies")
	// ErrOverflow means that a sum does not fit into 64 bits.
	ErrOverflow = errors.New("the amount overflows")
)

// Money is an amount of one currency. Minor is the integer that Stripe takes
// as amount: cents of EUR, yen of JPY, thousandths of KWD, and where Stripe
// differs from ISO 4217, Stripe's unit (Currency.StripeExponent).
type Money struct {
	Minor    int64    `json:"amount" cbor:"1,keyasint,omitempty"`
	Currency Currency `json:"currency" cbor:"2,keyasint,omitempty"`
}

// Add gives m + o. Errors: ErrCurrencyMismatch, ErrOverflow.
func (m Money) Add(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, ErrCurrencyMismatch
	}
	sum := m.Minor + o.Minor
	if (sum > m.Minor) != (o.Minor > 0) {
		return Money{}, ErrOverflow
	}
	return Money{sum, m.Currency}, nil
}

// Sub gives m - o. Errors: ErrCurrencyMismatch, ErrOverflow.
func (m Money) Sub(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, ErrCurrencyMismatch
	}
	diff := m.Minor - o.Minor
	if (diff < m.Minor) != (o.Minor > 0) {
		return Money{}, ErrOverflow
	}
	return Money{diff, m.Currency}, nil
}

// Cmp gives -1, 0 or 1 as m is less than, equal to or greater than o.
// Errors: ErrCurrencyMismatch.
func (m Money) Cmp(o Money) (int, error) {
	if m.Currency != o.Currency {
		return 0, ErrCurrencyMismatch
	}
	return cmp.Compare(m.Minor, o.Minor), nil
}

// IsZero reports whether m is nothing of no currency.
func (m Money) IsZero() bool { return m == Money{} }

// String gives the amount in the currency's main unit, as "10.00 EUR",
// "500 JPY" or "5.120 KWD". It shows what Stripe will charge.
func (m Money) String() string {
	exp := m.Currency.StripeExponent()
	// The magnitude is taken unsigned, as the least int64 has no negative.
	mag, sign := uint64(m.Minor), ""
	if m.Minor < 0 {
		mag, sign = -mag, "-"
	}
	digits := strconv.FormatUint(mag, 10)
	if exp > 0 {
		if len(digits) <= exp {
			digits = strings.Repeat("0", exp+1-len(digits)) + digits
		}
		digits = digits[:len(digits)-exp] + "." + digits[len(digits)-exp:]
	}
	if m.Currency == "" {
		return sign + digits
	}
	return sign + digits + " " + string(m.Currency)
}

package events

// A card number begins with its issuer's identification number. The ranges
// below are those of the networks whose numbers end in a Luhn digit, with the
// lengths that each issues. A range that two networks share is listed with all
// lengths of both.
//
// Left out on purpose: UATP (all 15-digit numbers that begin with 1, which are
// mostly timestamps and counters), Maestro of 12 digits (below the length of
// the guard), networks without a check digit, and networks that are gone.
//
// Sources: ISO/IEC 7812-1; https://en.wikipedia.org/wiki/Payment_card_number
// (table of issuer identification numbers);
// https://github.com/braintree/credit-card-type (patterns and lengths).

// iinRange covers the numbers whose first digits lie in low..high, both of
// which have the same number of digits. Bit n of lengths says that numbers of
// n digits exist.
type iinRange struct {
	low, high uint32
	digits    uint8
	lengths   uint32
}

func lengths(ns ...int) (mask uint32) {
	for _, n := range ns {
		mask |= 1 << n
	}
	return mask
}

// iinRanges holds the ranges by first digit, so that a lookup reads few.
var iinRanges = [10][]iinRange{
	1: {
		{1800, 1800, 4, lengths(15)}, // JCB, older
	},
	2: {
		{2200, 2204, 4, lengths(16, 17, 18, 19)}, // Mir
		{2221, 2720, 4, lengths(16)},             // Mastercard
		{2131, 2131, 4, lengths(15)},             // JCB, older
	},
	3: {
		{34, 34, 2, lengths(15)}, // American Express
		{37, 37, 2, lengths(15)},
		{300, 305, 3, lengths(14, 15, 16, 17, 18, 19)}, // Diners Club
		{3095, 3095, 4, lengths(14, 15, 16, 17, 18, 19)},
		{36, 36, 2, lengths(14, 15, 16, 17, 18, 19)},
		{38, 39, 2, lengths(14, 15, 16, 17, 18, 19)},
		{3528, 3589, 4, lengths(16, 17, 18, 19)}, // JCB
	},
	4: {
		{4, 4, 1, lengths(13, 16, 18, 19)}, // Visa; Maestro and Elo share parts
	},
	5: {
		{51, 55, 2, lengths(16)},                         // Mastercard
		{50, 50, 2, lengths(13, 14, 15, 16, 17, 18, 19)}, // Maestro, Elo, Verve, RuPay, Dankort
		{56, 59, 2, lengths(13, 14, 15, 16, 17, 18, 19)}, // Maestro
	},
	6: {
		{6011, 6011, 4, lengths(16, 17, 18, 19)},         // Discover
		{60, 60, 2, lengths(16)},                         // RuPay, Hipercard
		{62, 62, 2, lengths(14, 15, 16, 17, 18, 19)},     // UnionPay
		{63, 63, 2, lengths(13, 14, 15, 16, 17, 18, 19)}, // Maestro, Hiper, InstaPayment
		{644, 649, 3, lengths(16, 17, 18, 19)},           // Discover
		{65, 65, 2, lengths(16, 17, 18, 19)},             // Discover, RuPay, Elo, Troy, Verve
		{67, 67, 2, lengths(13, 14, 15, 16, 17, 18, 19)}, // Maestro, Bancontact
	},
	8: {
		{810, 817, 3, lengths(16, 17, 18, 19)}, // UnionPay, RuPay
		{82, 82, 2, lengths(16)},               // RuPay
	},
	9: {
		{9792, 9792, 4, lengths(16)}, // Troy
	},
}

// issued reports whether a network issues numbers of n digits that begin with
// the six digits of prefix.
func issued(prefix uint32, n int) bool {
	for _, r := range iinRanges[prefix/100_000] {
		head := prefix
		for d := uint8(6); d > r.digits; d-- {
			head /= 10
		}
		if head >= r.low && head <= r.high && r.lengths&(1<<n) != 0 {
			return true
		}
	}
	return false
}

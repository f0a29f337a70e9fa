package events

// Bounds of a card number's length in digits.
const (
	minCardDigits = 13
	maxCardDigits = 19
)

const cardRemedy = "card data never goes through payonce; if it is an order number, put a letter directly before its digits and leave spaces and dashes out"

// CardNumber reports whether raw holds something that looks like a card
// number: groups of digits joined by single spaces or dashes, together 13 to
// 19 digits, that begin like an issuer's numbers and end in a valid Luhn digit.
// Magnetic stripe data counts as well.
//
// A group with an ASCII letter directly before or after it is never part of
// one, which is how order numbers stay clear of the guard and why identifiers
// in hexadecimal pass. UUIDs pass. A few numbers that are no card's are caught;
// docs/card-number-guard.md says how many.
//
// It reads raw as it is: for JSON use CardNumberInText.
func CardNumber(raw []byte) bool {
	return scanCards(raw, func(int, int) bool { return false })
}

// CardNumberInText is CardNumber for a whole body or message, JSON or not. It
// looks through JSON's escapes, Unicode digits, dashes and spaces, and invisible
// characters, so that "\u0034242..." is found as well. It does not need raw to
// be valid.
func CardNumberInText(raw []byte) bool {
	if CardNumber(raw) {
		return true
	}
	// Text inside text is escaped once more for each level.
	for level := 0; level < maxEscapeLevels && !plain(raw); level++ {
		raw, _ = fold(raw)
		if CardNumber(raw) {
			return true
		}
	}
	return false
}

// CardNumberInIdentifier is CardNumber for one identifier: an idempotency key,
// a header value, a query parameter. Payment ids, UUIDs and traceparent values
// pass by their grammar.
func CardNumberInIdentifier(s string) bool {
	if _, err := ParseID(s); err == nil || isTraceparent(s) {
		return false
	}
	return CardNumberInText([]byte(s))
}

// scanCards calls hit with the bounds of every card number until hit returns
// false, and reports whether there was one. Its time is linear in len(b), as
// no more than 19 digits are read from any group on.
func scanCards(b []byte, hit func(start, end int) (more bool)) (found bool) {
	for i := 0; i < len(b); {
		if !isDigit(b[i]) {
			i++
			continue
		}
		start := i
		for i < len(b) && isDigit(b[i]) {
			i++
		}
		if s, e, ok := trackAt(b, start, i); ok {
			found = true
			if !hit(s, e) {
				return true
			}
			i = max(i, e)
			continue
		}
		if end := cardFrom(b, start); end > 0 {
			found = true
			if !hit(start, end) {
				return true
			}
		}
	}
	return found
}

// cardFrom gives the end of the longest card number that begins with the group
// of digits at start, or 0.
func cardFrom(b []byte, start int) (end int) {
	if start > 0 && isLetter(b[start-1]) {
		return 0
	}
	// Which digits Luhn doubles depends on the length, which is not known yet:
	// even and odd hold the sum for either case.
	var even, odd, n int
	var prefix uint32
	for i := start; i < len(b) && n < maxCardDigits; i++ {
		d := int(b[i] - '0')
		even, odd = odd+doubled(d), even+d
		if n++; n <= 6 {
			prefix = prefix*10 + uint32(d)
		}
		next := i + 1
		if next < len(b) && isDigit(b[next]) {
			continue
		}
		if next < len(b) && isLetter(b[next]) {
			break
		}
		if n >= minCardDigits && odd%10 == 0 && issued(prefix, n) && !touchesUUID(b, start, next) {
			end = next
		}
		if next+1 >= len(b) || !isJoiner(b[next]) || !isDigit(b[next+1]) {
			break
		}
		i = next
	}
	return end
}

// doubled is a digit's part in a Luhn sum where it counts twice.
// Source: ISO/IEC 7812-1 annex B.
func doubled(d int) int {
	if d > 4 {
		return 2*d - 9
	}
	return 2 * d
}

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }
func isJoiner(c byte) bool { return c == ' ' || c == '-' }

package events

// uuidLen is the length of a UUID in text, 8-4-4-4-12.
const uuidLen = 36

// touchesUUID reports whether a UUID shares a byte with b[start:end]. A UUID's
// digits may well look like a card number, but its shape says what it is.
func touchesUUID(b []byte, start, end int) bool {
	for u := max(0, start-uuidLen+1); u < end && u+uuidLen <= len(b); u++ {
		if isUUID(b, u) {
			return true
		}
	}
	return false
}

// isUUID reports whether a UUID stands at b[u:] by itself, not inside a longer
// word. One without any letter must carry a version and variant, or a card
// number could be dressed up as one.
// Source: https://www.rfc-editor.org/rfc/rfc9562#section-4
func isUUID(b []byte, u int) bool {
	s := b[u : u+uuidLen]
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	if u > 0 && isWord(b[u-1]) || u+uuidLen < len(b) && isWord(b[u+uuidLen]) {
		return false
	}
	lettered := false
	for i, c := range s {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23 || isDigit(c):
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			lettered = true
		default:
			return false
		}
	}
	return lettered || (s[14] >= '1' && s[14] <= '8' && (s[19] == '8' || s[19] == '9'))
}

func isWord(c byte) bool { return isDigit(c) || isLetter(c) }

// isTraceparent reports whether s is a W3C trace context header.
// Source: https://www.w3.org/TR/trace-context/#traceparent-header
func isTraceparent(s string) bool {
	if len(s) != 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i != 2 && i != 35 && i != 52 && !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

package events

import "bytes"

// maxTrack is the length of the longest magnetic track, sentinels included.
const maxTrack = 79

// trackAt reports magnetic stripe data around the group of digits
// b[start:end], and its bounds. Track 1 is %B, number, ^, name, ^, data and ?;
// track 2 is ;, number, =, at least expiry and service code, and ?. Neither
// needs a Luhn digit: nothing else is written like that.
// Source: ISO/IEC 7813.
func trackAt(b []byte, start, end int) (from, to int, ok bool) {
	if n := end - start; n < 12 || n > maxCardDigits || end >= len(b) || start == 0 {
		return 0, 0, false
	}
	switch before := b[start-1]; {
	case b[end] == '^' && before|0x20 == 'b' && start > 1 && b[start-2] == '%':
		return start - 2, trackEnd(b, start-2, end), true
	case b[end] == '^' && before|0x20 == 'b' && cardFrom(b[start:end], 0) > 0:
		return start - 1, trackEnd(b, start-1, end), true
	case b[end] == '=' && before == ';':
		data := end + 1
		for data < len(b) && isDigit(b[data]) {
			data++
		}
		if data-end > 7 {
			return start - 1, trackEnd(b, start-1, data), true
		}
	}
	return 0, 0, false
}

// trackEnd finds the end sentinel of the track that begins at from, or the end
// of the line, quotation or longest track where it has none.
func trackEnd(b []byte, from, least int) int {
	limit := max(least, min(len(b), from+maxTrack))
	rest := b[least:limit]
	if i := bytes.IndexAny(rest, "?\"\n"); i >= 0 {
		if rest[i] == '?' {
			i++
		}
		return least + i
	}
	return limit
}

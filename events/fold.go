package events

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEscapeLevels bounds how deep JSON inside JSON strings is looked into.
const maxEscapeLevels = 3

// other stands in folded text for whatever is neither digit, letter nor
// joiner, so that it parts groups of digits.
const other = 0xff

// plain reports whether b has nothing that fold would change.
func plain(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c == '\\' {
			return false
		}
	}
	return true
}

// fold makes text comparable: one byte per character, JSON escapes decoded,
// every Unicode digit, dash and space as its ASCII equal, invisible characters
// dropped. at holds for each folded byte where its character begins in b, and
// len(b) at the end. Any input will do; what is no escape stays as it is.
func fold(b []byte) (folded []byte, at []int) {
	folded = make([]byte, 0, len(b))
	at = make([]int, 0, len(b)+1)
	for i := 0; i < len(b); {
		r, size := next(b[i:])
		if c, keep := foldRune(r); keep {
			folded = append(folded, c)
			at = append(at, i)
		}
		i += size
	}
	return folded, append(at, len(b))
}

// next reads one character, escaped or not, and gives its size in bytes.
func next(b []byte) (r rune, size int) {
	if b[0] != '\\' {
		if b[0] < utf8.RuneSelf {
			return rune(b[0]), 1
		}
		return utf8.DecodeRune(b)
	}
	if len(b) < 2 {
		return '\\', 1
	}
	switch b[1] {
	case 'b', 'f', 'n', 'r', 't':
		return '\n', 2
	case 'u':
		r, ok := hex4(b[2:])
		if !ok {
			return '\\', 1
		}
		if utf16.IsSurrogate(r) && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			if low, ok := hex4(b[8:]); ok {
				if pair := utf16.DecodeRune(r, low); pair != unicode.ReplacementChar {
					return pair, 12
				}
			}
		}
		return r, 6
	case '"', '\\', '/':
		return rune(b[1]), 2
	default:
		return '\\', 1
	}
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func foldRune(r rune) (c byte, keep bool) {
	switch {
	case r < utf8.RuneSelf:
		return byte(r), true
	case r == '\u00ad' || unicode.Is(unicode.Cf, r):
		return 0, false
	case unicode.Is(unicode.Nd, r):
		return '0' + digitValue(r), true
	case unicode.Is(unicode.Pd, r) || r == '\u2212':
		return '-', true
	case unicode.Is(unicode.Zs, r):
		return ' ', true
	default:
		return other, true
	}
}

// digitValue is the value of a decimal digit of any script. Unicode keeps each
// script's ten together, in order, beginning with zero.
// Source: https://www.unicode.org/versions/Unicode16.0.0/core-spec/chapter-4/#G124206
func digitValue(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	return 0
}

package events

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	redacted = "[redacted]"
	// minCodeDigits is the length of the shortest number that Redact takes out, a verification code.
	minCodeDigits = 3
)

// Redact gives s with every card number, every magnetic track and every card
// verification code that is named as one replaced by [redacted]. It is for
// whatever is logged or kept of a text that we did not write: the message of
// an error, a malformed body. CardNumberInText never finds anything in the
// result. Text without any of these comes back as it is, without allocation
// beyond the scan.
func Redact(s string) string {
	if harmless(s) {
		return s
	}
	// Taking one number out may bring others to light that its neighbourhood
	// hid. Each round shortens the digits that are left; a text that resists
	// goes as a whole.
	for range 4 {
		out := redactOnce(s)
		if out == s && !CardNumberInText([]byte(s)) {
			return s
		}
		s = out
	}
	if CardNumberInText([]byte(s)) {
		return redacted
	}
	return s
}

// harmless reports whether s has too few digits for anything that Redact takes
// out, and nothing that digits could hide behind.
func harmless(s string) bool {
	digits := 0
	for i := range len(s) {
		switch {
		case isDigit(s[i]):
			if digits++; digits == minCodeDigits {
				return false
			}
		case s[i] >= utf8.RuneSelf, s[i] == '\\':
			return false
		}
	}
	return true
}

type span struct{ start, end int }

func redactOnce(s string) string {
	b := []byte(s)
	var spans []span
	scanCards(b, func(start, end int) bool {
		spans = append(spans, span{start, end})
		return true
	})
	if !plain(b) {
		folded, at := fold(b)
		scanCards(folded, func(start, end int) bool {
			spans = append(spans, span{at[start], at[end]})
			return true
		})
	}
	if mayNameCode(s) {
		for _, m := range namedCode.FindAllStringSubmatchIndex(s, -1) {
			spans = append(spans, span{m[2], m[3]})
		}
	}
	return cut(s, spans)
}

// cut replaces the spans, which may overlap.
func cut(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	var out strings.Builder
	done := 0
	for i := 0; i < len(spans); {
		start, end := spans[i].start, spans[i].end
		for i++; i < len(spans) && spans[i].start <= end; i++ {
			end = max(end, spans[i].end)
		}
		out.WriteString(s[done:start])
		out.WriteString(redacted)
		done = end
	}
	out.WriteString(s[done:])
	return out.String()
}

// namedCode matches a card verification code behind its name, whatever
// punctuation, up to eight characters of it, stands between them.
var namedCode = regexp.MustCompile(`(?i)(?:\b|_)(?:cvc2?|cvv2?|cvn2?|csc|(?:card[ _-]?)?(?:security|verification)[ _-]?(?:code|value|number))` +
	`(?:[ \t]+(?:is|was|of))?[^0-9A-Za-z]{1,8}([0-9]{3,4})\b`)

// mayNameCode spares most texts the expression.
func mayNameCode(s string) bool {
	for i := range len(s) {
		switch s[i] | 0x20 {
		case 'c', 's', 'v':
			if hasFold(s[i:], "cvc") || hasFold(s[i:], "cvv") || hasFold(s[i:], "cvn") || hasFold(s[i:], "csc") ||
				hasFold(s[i:], "security") || hasFold(s[i:], "verification") {
				return true
			}
		}
	}
	return false
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

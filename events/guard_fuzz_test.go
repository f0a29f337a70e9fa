package events

import (
	"slices"
	"strings"
	"testing"
)

// plant puts a test number into a text between two separators, each of which
// is no digit, letter or joiner.
func plant(text string, at uint, card, separators, joiner string) string {
	i := int(at % uint(len(text)+1))
	return text[:i] + separators + spaced(card, joiner) + separators + text[i:]
}

func FuzzGuardFindsPlanted(f *testing.F) {
	f.Add("order 17", uint(3), uint(0), uint(0), uint(0))
	f.Add(`{"reference":"x"}`, uint(14), uint(3), uint(2), uint(1))
	f.Add(`\u003`, uint(5), uint(1), uint(1), uint(2))
	f.Add("12345678-1234-1234-8234-", uint(24), uint(5), uint(3), uint(2))
	names := make([]string, 0, len(testCards))
	for name := range testCards {
		names = append(names, name)
	}
	slices.Sort(names)
	separators := []string{`"`, "\n", ",", ":", "/", "(", "\x00", "ä", "_", "="}
	joiners := []string{"", " ", "-"}
	f.Fuzz(func(t *testing.T, text string, at, card, separator, joiner uint) {
		number := testCards[names[card%uint(len(names))]]
		planted := plant(text, at, number, separators[separator%uint(len(separators))], joiners[joiner%uint(len(joiners))])
		if !CardNumber([]byte(planted)) || !CardNumberInText([]byte(planted)) {
			t.Fatalf("not found: %q", strings.Map(digitsToX, planted))
		}
		clean := Redact(planted)
		if CardNumber([]byte(clean)) || CardNumberInText([]byte(clean)) {
			t.Fatalf("Redact left a number: %q", strings.Map(digitsToX, planted))
		}
		if Redact(clean) != clean {
			t.Fatal("Redact is not stable")
		}
	})
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{"cvc: 123", `"\u0034`, "%B4^", ";4=", "4-4-4", "4242 4242 4242 4242", "42424242-4242-4242-8242-424242424242", "４２"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := Redact(s)
		if CardNumberInText([]byte(clean)) {
			t.Fatalf("left in %q", clean)
		}
		if Redact(clean) != clean {
			t.Fatalf("not stable: %q", clean)
		}
	})
}

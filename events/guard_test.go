package events

import (
	"fmt"
	"strings"
	"testing"
)

func TestTestCardsAreValid(t *testing.T) {
	for name, number := range testCards {
		if !luhn(number) {
			t.Errorf("%s: the test number's check digit is wrong", name)
		}
	}
}

func TestCardNumberFindsEveryNetwork(t *testing.T) {
	for name, number := range testCards {
		for _, form := range []string{
			number, spaced(number, " "), spaced(number, "-"),
			"card:" + number + ".", `{"reference":"` + number + `"}`, `{"x":` + number + `}`, `{"x":` + number + `.0}`,
			"pay with " + spaced(number, " ") + " 12/27 123", "1 " + number, number + "-1", "pm_" + number,
			"éã" + number + "é", "a=" + number + "&b", "%B" + number + "^DOE/JOHN^2712101?", ";" + number + "=27121010000?",
		} {
			if !CardNumber([]byte(form)) {
				t.Errorf("%s: not found in form %s", name, strings.Map(digitsToX, form))
			}
		}
	}
}

func digitsToX(r rune) rune {
	if r >= '0' && r <= '9' {
		return 'd'
	}
	return r
}

func TestCardNumberInTextLooksThroughDisguises(t *testing.T) {
	visa := testCards["visa"]
	escape := func(number string, each func(i int, c byte) string) string {
		var b strings.Builder
		for i := range len(number) {
			b.WriteString(each(i, number[i]))
		}
		return b.String()
	}
	cases := map[string]string{
		"first digit escaped": `{"reference":"\u0034` + visa[1:] + `"}`,
		"all digits escaped":  escape(visa, func(_ int, c byte) string { return fmt.Sprintf(`\u00%02X`, c) }),
		"behind a line break": `{"description":"card\n` + visa + `"}`,
		"escaped dashes":      spaced(visa, `\u002d`),
		"escaped spaces":      spaced(visa, `\u0020`),
		"escaped twice":       `{"a":"{\"b\":\"\\u0034` + visa[1:] + `\"}"}`,
		"no-break spaces":     spaced(visa, "\u00a0"),
		"thin spaces":         spaced(visa, "\u2009"),
		"en dashes":           spaced(visa, "\u2013"),
		"non-breaking hyphen": spaced(visa, "\u2011"),
		"minus signs":         spaced(visa, "\u2212"),
		"zero width":          spaced(visa, "\u200b"),
		"soft hyphen":         spaced(visa, "\u00ad"),
		"full width":          escape(visa, func(_ int, c byte) string { return string(rune('０') + rune(c-'0')) }),
		"arabic digits":       escape(visa, func(_ int, c byte) string { return string(rune('٠') + rune(c-'0')) }),
		"bold digits":         escape(visa, func(_ int, c byte) string { return string(rune(0x1d7ce) + rune(c-'0')) }),
		"bold, escaped":       escape(visa, func(_ int, c byte) string { return fmt.Sprintf(`\ud835\udf%02x`, 0xce+c-'0') }),
		"behind an ideograph": "号" + visa,
		"broken json":         `{"reference":"\u0034` + visa[1:],
		"a metadata name":     `{"metadata":{"` + visa + `":"x"}}`,
	}
	for name, text := range cases {
		if !CardNumberInText([]byte(text)) {
			t.Errorf("%s: not found", name)
		}
		if got := Redact(text); CardNumberInText([]byte(got)) || !strings.Contains(got, redacted) {
			t.Errorf("%s: Redact left it there", name)
		}
	}
}

func TestCardNumberLetsPass(t *testing.T) {
	visa := testCards["visa"]
	cases := map[string]string{
		"glued to a letter":          "O" + visa,
		"glued behind":               visa + "a",
		"twelve digits":              visa[:12],
		"twenty digits":              "1234" + visa,
		"wrong check digit":          visa[:15] + "3",
		"no issuer":                  "9" + strings.Repeat("0", 11) + "0000",
		"double spaces":              spaced(visa, "  "),
		"underscores":                spaced(visa, "_"),
		"uuid":                       "42424242-4242-4242-8242-424242424242",
		"uuid with a letter":         "42424242-4242-4242-4242-42424242424a",
		"uuid in a path":             "/orders/42424242-4242-4242-8242-424242424242/1",
		"day before a uuid":          "05-17 42424242-4242-4242-8242-424242424242",
		"hex":                        "4242424242424242a242424242424242",
		"epoch in ms":                "1731888000000",
		"time stamp":                 "20241118093000",
		"rfc 3339":                   "2024-11-18T09:30:00.123456789Z",
		"amount":                     `{"amount":999999999999,"currency":"EUR"}`,
		"phone number":               "+49 30 901820",
		"iban with letters directly": "DE89370400440532013000",
	}
	for name, text := range cases {
		if CardNumberInText([]byte(text)) {
			t.Errorf("%s: taken for a card number", name)
		}
		if got := Redact(text); got != text {
			t.Errorf("%s: Redact changed it to %q", name, got)
		}
	}
}

func TestUUIDIsNoDisguise(t *testing.T) {
	visa := testCards["visa"]
	for name, text := range map[string]string{
		"all digits, no version": visa[:8] + "-" + visa[8:12] + "-" + visa[12:16] + "-0000-000000000000",
		"behind a uuid":          "42424242-4242-4242-8242-424242424242 " + visa,
		"before a uuid":          visa + " 42424242-4242-4242-8242-424242424242",
		"beside a uuid, dashed":  "42424242-4242-4242-8242-424242424242-" + visa,
	} {
		if !CardNumber([]byte(text)) {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestCardNumberInIdentifier(t *testing.T) {
	visa := testCards["visa"]
	for text, want := range map[string]bool{
		visa: true, "order-" + visa: true, "order" + visa: false,
		"pay_" + strings.Repeat("42", 16):                     false,
		"00-" + strings.Repeat("42", 16) + "-" + visa + "-01": false,
		"42424242-4242-4242-8242-424242424242":                false,
		"01-" + strings.Repeat("42", 16) + "-" + visa + "-0":  true,
		"shop@example.org/" + spaced(visa, "-"):               true,
		"shop@example.org/17":                                 false,
	} {
		if got := CardNumberInIdentifier(text); got != want {
			t.Errorf("%s: got %v, want %v", strings.Map(digitsToX, text), got, want)
		}
	}
}

func TestScanIsLinear(t *testing.T) {
	// A chain of single digits makes each one the beginning of a candidate.
	text := []byte(strings.Repeat("4-", 1<<20))
	if CardNumber(text) {
		t.Error("fours are no card number")
	}
}

func TestCardFromAgreesWithLuhn(t *testing.T) {
	// Every check digit behind prefixes of each length: only the right one hits.
	for n := minCardDigits; n <= maxCardDigits; n++ {
		body := ("67" + strings.Repeat("1234567890", 2))[:n-1]
		for c := byte('0'); c <= '9'; c++ {
			number := body + string(c)
			if got, want := CardNumber([]byte(number)), luhn(number); got != want {
				t.Errorf("%d digits, check digit %c: got %v, want %v", n, c, got, want)
			}
		}
	}
}

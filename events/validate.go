package events

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Each check gives the FieldError code and message of what is wrong with a
// member's text, or two empty strings. None of them repeats the text.

// checkStripeID takes ids as Stripe makes them: the prefix, then letters,
// digits and underscores.
func checkStripeID(prefix string) func(string) (code, message string) {
	return func(s string) (code, message string) {
		rest, ok := strings.CutPrefix(s, prefix)
		if !ok || rest == "" || len(s) > MaxStripeID {
			return FieldSyntax, "give a Stripe id that begins with " + prefix
		}
		for i := range len(rest) {
			if !isWord(rest[i]) && rest[i] != '_' {
				return FieldCharacters, "a Stripe id has only letters, digits and underscores behind " + prefix
			}
		}
		return "", ""
	}
}

// checkReference keeps references apart that people would, and only those:
// characters that cannot be seen, and spaces at either end, would make two
// references of one purchase, and that is charged twice.
func checkReference(s string) (code, message string) {
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return FieldLength, "the reference is empty: give one, or leave the member out"
	case n > MaxReference:
		return FieldLength, "give at most 128 characters"
	case !printable(s):
		return FieldCharacters, "use printable characters only"
	case s != strings.TrimSpace(s):
		return FieldCharacters, "remove the spaces at the beginning and end"
	}
	return "", ""
}

func checkDescription(s string) (code, message string) {
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return FieldLength, "the description is empty: give one, or leave the member out"
	case n > MaxDescription:
		return FieldLength, "give at most 1000 characters"
	case hasControl(s):
		return FieldCharacters, "remove control characters, line breaks included"
	}
	return "", ""
}

// checkMetadataName follows Stripe: names go into form fields as
// metadata[name], so brackets would change their meaning.
// Source: https://docs.stripe.com/api/metadata
func checkMetadataName(s string) (code, message string) {
	switch n := utf8.RuneCountInString(s); {
	case n == 0 || n > MaxMetadataName:
		return FieldLength, "give the entry a name of 1 to 40 characters"
	case strings.ContainsAny(s, "[]"):
		return FieldCharacters, "names cannot have square brackets"
	case !printable(s):
		return FieldCharacters, "use printable characters only"
	case len(s) >= len(ReservedMetadata) && strings.EqualFold(s[:len(ReservedMetadata)], ReservedMetadata):
		return FieldReserved, "names that begin with payonce_ are reserved"
	}
	return "", ""
}

// checkMetadataValue refuses the empty value, by which Stripe removes an entry.
func checkMetadataValue(s string) (code, message string) {
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return FieldLength, "the value is empty, which Stripe drops: leave the entry out"
	case n > MaxMetadataValue:
		return FieldLength, "give a value of at most 500 characters"
	case hasControl(s):
		return FieldCharacters, "remove control characters, line breaks included"
	}
	return "", ""
}

// checkReturnURL wants a URL that a browser can be sent to.
func checkReturnURL(s string) (code, message string) {
	if len(s) > MaxReturnURL {
		return FieldLength, "give a URL of at most 2048 bytes"
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return FieldCharacters, "percent-encode everything that is not visible ASCII"
		}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return FieldSyntax, "give an absolute http or https URL"
	case u.User != nil:
		return FieldUnsupported, "give a URL without user name and password"
	}
	return "", ""
}

func checkSetupFutureUsage(s string) (code, message string) {
	switch s {
	case "on_session", "off_session":
		return "", ""
	}
	return FieldSyntax, "send on_session or off_session, or leave the member out"
}

// checkStatementSuffix follows Stripe's rules for what a bank statement shows.
// Source: https://docs.stripe.com/get-started/account/statement-descriptors
func checkStatementSuffix(s string) (code, message string) {
	if s == "" || len(s) > MaxStatementSuffix {
		return FieldLength, "give 1 to 22 characters"
	}
	letter := false
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || strings.IndexByte(`<>\'"*`, s[i]) >= 0 {
			return FieldCharacters, `use Latin letters, digits, spaces and punctuation other than < > \ ' " *`
		}
		letter = letter || isLetter(s[i])
	}
	if !letter {
		return FieldCharacters, "use at least one letter"
	}
	return "", ""
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// namesCardData reports whether a member's name says that it holds card data.
// Case, underscores and the like make no difference, and of a path such as
// card[number] or card.number the last part is looked at as well.
func namesCardData(name string) bool {
	if len(name) > 64 {
		return false
	}
	last := strings.TrimRight(name, "]")
	if i := strings.LastIndexAny(last, "[./"); i >= 0 && cardDataNames[squeeze(last[i+1:])] {
		return true
	}
	return cardDataNames[squeeze(name)]
}

// squeeze keeps ASCII letters, in lower case, and digits.
func squeeze(s string) string {
	var b [64]byte
	n := 0
	for i := range len(s) {
		if c := s[i]; isLetter(c) {
			b[n] = c | 0x20
			n++
		} else if isDigit(c) {
			b[n] = c
			n++
		}
	}
	return string(b[:n])
}

var cardDataNames = map[string]bool{
	"number": true, "cardnumber": true, "cardno": true, "cardnum": true, "ccnumber": true, "ccnum": true,
	"creditcardnumber": true, "debitcardnumber": true, "creditcard": true, "pan": true, "cardpan": true,
	"primaryaccountnumber": true,
	"cvc":                  true, "cvc2": true, "cardcvc": true, "cvv": true, "cvv2": true, "cardcvv": true, "cvn": true, "cvn2": true, "csc": true,
	"securitycode": true, "cardsecuritycode": true,
	"cardverificationcode": true, "cardverificationvalue": true, "cardverificationnumber": true,
	"expmonth": true, "expyear": true, "expirymonth": true, "expiryyear": true, "expirationmonth": true, "expirationyear": true,
	"cardexpiry": true, "cardexp": true, "cardexpirydate": true, "cardexpirationdate": true, "ccexp": true,
	"track": true, "trackdata": true, "track1": true, "track2": true, "track3": true,
	"track1data": true, "track2data": true, "track1equivalentdata": true, "track2equivalentdata": true,
	"magstripe": true, "magstripedata": true, "magneticstripe": true,
	"pinblock": true, "cardpin": true,
}

package api

import (
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/payonce/payonce/events"
)

// exempt headers hold numbers or digests by their own specification; none of them is kept or logged.
var exempt = map[string]bool{
	"Authorization": true, "Content-Length": true,
	"Traceparent": true, "Tracestate": true,
	"X-Request-Start": true, "X-Queue-Start": true, // times in microseconds
	"X-B3-Traceid": true, "X-B3-Spanid": true, "X-B3-Parentspanid": true,
	"X-Cloud-Trace-Context": true, "X-Datadog-Trace-Id": true, "X-Datadog-Parent-Id": true, // decimal 64-bit ids
}

// guardHeaders refuses a card number in any header, its name included. Idempotency-Key is left to events.ParseKey where
// the route reads it. Names of headers that we do not define are not repeated.
func guardHeaders(h http.Header, keyed bool) error {
	for name, values := range h {
		if exempt[name] || keyed && name == "Idempotency-Key" {
			continue
		}
		if cardNumber(name) {
			return cardNumberIn(place{header: "unlisted"})
		}
		for _, v := range values {
			if cardNumber(v) {
				return cardNumberIn(place{header: knownHeader(name)})
			}
		}
	}
	return nil
}

func knownHeader(name string) string {
	switch name {
	case "Idempotency-Key", "Content-Type", "Accept", "User-Agent", "Cookie", "Referer":
		return name
	}
	return "unlisted"
}

// refuseQuery refuses a query string where none is taken.
func refuseQuery(raw string) error {
	if raw == "" {
		return nil
	}
	if cardNumberInQuery(raw) {
		return cardNumberIn(place{parameter: "query"})
	}
	return &problem{code: codeInvalidParameter, errors: []place{{
		parameter: "query", code: events.FieldUnknown, detail: "this path takes no query parameters: remove them",
	}}}
}

// cardNumberInQuery looks at the query as it stands and as it decodes.
func cardNumberInQuery(raw string) bool {
	if cardNumber(raw) {
		return true
	}
	decoded, err := url.QueryUnescape(raw)
	return err == nil && decoded != raw && cardNumber(decoded)
}

// cardNumber is events.CardNumberInIdentifier with a short cut for what has too few digits to be one.
func cardNumber(s string) bool {
	const shortest = 13
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' < 10:
			digits++
		case c >= utf8.RuneSelf || c == '\\':
			return events.CardNumberInIdentifier(s)
		}
	}
	return digits >= shortest && events.CardNumberInIdentifier(s)
}

func cardNumberIn(p place) error {
	p.code = events.FieldCardNumber
	p.detail = "this looks like a card number: card data never goes through payonce; " +
		"if it is an order number, put a letter directly before its digits"
	return &problem{code: codeCardNumber, errors: []place{p}}
}

package api

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// The answers are written by hand: they are on the path of every accept, and their members never depend on reflection.
// Tests hold them against the schemas of openapi.yaml.

// appendPayment writes a record as the contract's Payment.
func appendPayment(b []byte, r *idempotency.Record, warnings []events.Warning) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, r.ID.String()...)
	b = append(b, `","object":"payment","state":"`...)
	b = append(b, r.State.String()...)
	b = append(b, '"')
	if r.Amount.Currency != "" { // a key that was canceled before its payment arrived has none
		b = append(b, `,"amount":`...)
		b = strconv.AppendInt(b, r.Amount.Minor, 10)
	}
	b = append(b, `,"amount_captured":`...)
	b = strconv.AppendInt(b, r.Captured, 10)
	b = append(b, `,"amount_refunded":`...)
	b = strconv.AppendInt(b, r.Refunded, 10)
	b = appendMember(b, "currency", string(r.Amount.Currency))
	b = appendMember(b, "reference", r.Reference)
	b = append(b, `,"attempts":`...)
	b = strconv.AppendInt(b, int64(attempts(r)), 10)
	b = append(b, `,"stripe":`...)
	b = appendStripe(b, r.Intent, r.Charge)
	if c := r.Card; c != nil {
		b = append(b, `,"card":{"brand":`...)
		b = appendString(b, c.Brand)
		b = append(b, `,"last4":`...)
		b = appendString(b, c.Last4)
		b = append(b, `,"exp_month":`...)
		b = strconv.AppendInt(b, int64(c.ExpMonth), 10)
		b = append(b, `,"exp_year":`...)
		b = strconv.AppendInt(b, int64(c.ExpYear), 10)
		b = append(b, '}')
	}
	if f := r.Failure; f != nil {
		b = append(b, `,"failure":{"code":`...)
		b = appendString(b, f.Code)
		b = appendMember(b, "decline_code", f.DeclineCode)
		b = append(b, `,"message":`...)
		b = appendString(b, f.Message)
		b = appendMember(b, "next_step", f.NextStep)
		b = append(b, '}')
	}
	if r.NextAction != "" {
		b = append(b, `,"next_action":{"type":`...)
		b = appendString(b, r.NextAction)
		b = append(b, '}')
	}
	if t := r.Attention; t != nil {
		b = append(b, `,"attention":{"class":`...)
		b = appendString(b, string(t.Class))
		b = append(b, `,"since":`...)
		b = appendTime(b, t.Since.Time())
		b = append(b, '}')
	}
	b = append(b, `,"created_at":`...)
	b = appendTime(b, r.Created.Time())
	b = append(b, `,"updated_at":`...)
	b = appendTime(b, r.Updated.Time())
	b = append(b, `,"metadata":`...)
	b = appendMetadata(b, r.Request)
	if len(warnings) > 0 {
		b = append(b, `,"warnings":[`...)
		for i, w := range warnings {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"code":`...)
			b = appendString(b, w.Code)
			b = append(b, `,"message":`...)
			b = appendString(b, w.Message)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// attempts counts the tries, those that the record no longer keeps included.
func attempts(r *idempotency.Record) int {
	if a := r.Latest(); a != nil {
		return a.Number
	}
	return 0
}

func appendStripe(b []byte, intent, charge string) []byte {
	switch {
	case intent == "" && charge == "":
		return append(b, '{', '}')
	case intent == "":
		b = append(b, `{"charge":`...)
		return append(appendString(b, charge), '}')
	}
	b = append(b, `{"payment_intent":`...)
	b = appendString(b, intent)
	b = appendMember(b, "charge", charge)
	return append(b, '}')
}

// appendMetadata sorts by name, so that a payment reads the same each time.
func appendMetadata(b []byte, p *events.Payment) []byte {
	b = append(b, '{')
	if p != nil {
		for i, name := range slices.Sorted(maps.Keys(p.Metadata)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, name)
			b = append(b, ':')
			b = appendString(b, p.Metadata[name])
		}
	}
	return append(b, '}')
}

// appendMember writes ,"name":"value", or nothing for an empty value.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

// appendString quotes s as JSON. What is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // its error only says that there was something to replace
	return b
}

// appendTime writes RFC 3339 in UTC with milliseconds.
func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	return append(b, '"')
}

// appendSeconds writes a duration in seconds, to the millisecond.
func appendSeconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d.Milliseconds())/1000, 'f', -1, 64)
}

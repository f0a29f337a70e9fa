package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// code is a stable problem code: part of the contract.
type code string

const (
	codeMalformedJSON            code = events.CodeMalformedJSON
	codeInvalidRequest           code = events.CodeInvalidRequest
	codeInvalidParameter         code = "invalid_parameter"
	codeKeyMissing               code = "idempotency_key_missing"
	codeKeyTwice                 code = "idempotency_key_twice"
	codeKeyInvalid               code = "idempotency_key_invalid"
	codeUnauthenticated          code = "unauthenticated"
	codeNotFound                 code = "not_found"
	codeMethodNotAllowed         code = "method_not_allowed"
	codeRequestTimeout           code = "request_timeout"
	codeReferenceHeld            code = "reference_held"
	codeTooLateToCancel          code = "too_late_to_cancel"
	codeFeedPositionGone         code = "feed_position_gone"
	codeBodyTooLarge             code = "body_too_large"
	codeUnsupportedMediaType     code = "unsupported_media_type"
	codeKeyReused                code = "idempotency_key_reused"
	codeCardNumber               code = events.CodeCardNumber
	codeCardDataMember           code = events.CodeCardDataMember
	codeCaptureMethodUnsupported code = events.CodeCaptureMethodUnsupported
	codeInternal                 code = "internal"
	codeBacklogFull              code = "backlog_full"
	codeUndecided                code = "undecided"
	codeUnavailable              code = "unavailable"
)

// meaning is what all occurrences of a code share. detail is used where an occurrence has none of its own.
type meaning struct {
	status        int
	title, detail string
}

// meanings is the one table from codes to answers.
var meanings = map[code]meaning{
	codeMalformedJSON:            {400, "The body is not one JSON object", "Send one JSON object in UTF-8, each member once."},
	codeInvalidRequest:           {400, "Some members of the request are not valid", "Correct the members named in errors, then send the request again."},
	codeInvalidParameter:         {400, "Some query parameters are not valid", "Correct the parameters named in errors, then send the request again."},
	codeKeyMissing:               {400, "The Idempotency-Key header is missing", "Choose a key, store it, then send it with every try of this payment."},
	codeKeyTwice:                 {400, "The Idempotency-Key header is there more than once", "Send exactly one Idempotency-Key header."},
	codeKeyInvalid:               {400, "The idempotency key is not valid", "Send a key of 1 to 255 visible ASCII characters, a UUID for example."},
	codeUnauthenticated:          {401, "The API key is missing or not valid", "Send a valid API key: Authorization: Bearer po_..."},
	codeNotFound:                 {404, "Not found", "There is no such payment for this API key: check the id."},
	codeMethodNotAllowed:         {405, "The path does not have this method", "Use one of the methods named in the Allow header."},
	codeRequestTimeout:           {408, "The body did not arrive in time", "Nothing was stored by this call. Send it again with the same key."},
	codeReferenceHeld:            {409, "Another payment holds the reference", "Wait for the payment named in holder."},
	codeTooLateToCancel:          {409, "The payment can no longer be canceled", "The payment is final: read it for its outcome."},
	codeFeedPositionGone:         {410, "The position in the feed is gone", "Read again from the start, without after, and drop the events whose id you have."},
	codeBodyTooLarge:             {413, "The body is too large", "Send at most 65536 bytes."},
	codeUnsupportedMediaType:     {415, "The body's type is not supported", "Send Content-Type: application/json in UTF-8, without Content-Encoding."},
	codeKeyReused:                {422, "The key was used with another request", "Send the request that this key was first used with, or choose a new key for a new payment."},
	codeCardNumber:               {422, "The request holds what looks like a card number", "Card data never goes through payonce. If it is an order number, put a letter directly before its digits."},
	codeCardDataMember:           {422, "The request has members named like card data", "Send a payment_method made by Stripe instead of card data."},
	codeCaptureMethodUnsupported: {422, "Manual capture is not supported", "Leave capture_method out, or send automatic."},
	codeInternal:                 {500, "A fault in payonce", "Whether the call took effect is not known: repeat it with the same key."},
	codeBacklogFull:              {503, "Too many payments are waiting", "Nothing was stored. Wait for the seconds in Retry-After, then repeat with the same key."},
	codeUndecided:                {503, "Whether the call took effect is not known", "Repeat it with the same key: that never does harm."},
	codeUnavailable:              {503, "The store did not answer", "Wait for the seconds in Retry-After, then try again."},
}

// place is one bad place of a request: in the body (JSON pointer, "" is all of it), the query or a header.
type place struct {
	pointer, parameter, header string
	code, detail               string
}

// problem is a refusal, as an error. Zero members are left to the meaning of the code.
type problem struct {
	code       code
	detail     string
	errors     []place
	holder     *idempotency.Record
	payment    *idempotency.Record
	retryAfter time.Duration
	allow      string
	cause      error // for operators
}

// Error is for operators; apps see append.
func (p *problem) Error() string {
	if p.cause != nil {
		return string(p.code) + ": " + p.cause.Error()
	}
	return string(p.code)
}

// Unwrap gives the cause.
func (p *problem) Unwrap() error { return p.cause }

func (p *problem) status() int { return meanings[p.code].status }

// headers sets what belongs to the answer besides its body.
func (p *problem) headers(h http.Header) {
	switch p.status() {
	case http.StatusUnauthorized:
		h["Www-Authenticate"] = []string{`Bearer realm="payonce"`}
	case http.StatusMethodNotAllowed:
		h["Allow"] = []string{p.allow}
	case http.StatusServiceUnavailable:
		wait := max(1, int((p.retryAfter+time.Second-1)/time.Second))
		h["Retry-After"] = []string{strconv.Itoa(wait)}
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		h["Connection"] = []string{"close"} // the rest of the body is not read
	}
}

// append writes the problem as application/problem+json.
func (p *problem) append(b []byte, requestID string, now time.Time) []byte {
	m := meanings[p.code]
	detail := p.detail
	if detail == "" {
		detail = m.detail
	}
	b = append(b, `{"type":"urn:payonce:problem:`...)
	b = append(b, p.code...)
	b = append(b, `","title":`...)
	b = appendString(b, m.title)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(m.status), 10)
	b = append(b, `,"code":"`...)
	b = append(b, p.code...)
	b = append(b, `","detail":`...)
	b = appendString(b, detail)
	if len(p.errors) > 0 {
		b = append(b, `,"errors":[`...)
		for i, e := range p.errors {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.append(b)
		}
		b = append(b, ']')
	}
	b = appendRef(b, "holder", p.holder, now)
	b = appendRef(b, "payment", p.payment, now)
	b = append(b, `,"request_id":"`...)
	b = append(b, requestID...)
	return append(b, '"', '}')
}

func (e place) append(b []byte) []byte {
	name, value := "pointer", e.pointer
	switch {
	case e.parameter != "":
		name, value = "parameter", e.parameter
	case e.header != "":
		name, value = "header", e.header
	}
	b = append(b, `{"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	b = appendString(b, value)
	b = append(b, `,"code":`...)
	b = appendString(b, e.code)
	b = append(b, `,"detail":`...)
	b = appendString(b, e.detail)
	return append(b, '}')
}

// appendRef writes which payment is meant, if any.
func appendRef(b []byte, name string, r *idempotency.Record, now time.Time) []byte {
	if r == nil {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":{"id":"`...)
	b = append(b, r.ID.String()...)
	b = append(b, `","state":"`...)
	b = append(b, r.State.String()...)
	b = append(b, `","created_at":`...)
	b = appendTime(b, r.Created.Time())
	b = append(b, `,"age_seconds":`...)
	b = appendSeconds(b, max(0, now.Sub(r.Created.Time())))
	return append(b, '}')
}

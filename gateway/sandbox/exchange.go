package sandbox

import (
	"strconv"
	"time"
)

// Request is an HTTP request as far as the sandbox cares.
type Request struct {
	Method         string `cbor:"1,keyasint"`
	Path           string `cbor:"2,keyasint"`
	Query          string `cbor:"3,keyasint,omitempty"` // encoded, without the question mark
	Body           string `cbor:"4,keyasint,omitempty"` // application/x-www-form-urlencoded
	IdempotencyKey string `cbor:"-"`
	Authorization  string `cbor:"-"` // the header's value
	Version        string `cbor:"-"` // Stripe-Version
	OnBehalf       string `cbor:"-"` // Stripe-Account

	KeyHash *keyHash `cbor:"5,keyasint,omitempty"` // set on requests that wait in the agenda
}

// Fate is what becomes of an answer.
type Fate uint8

const (
	// Answered is an answer that arrives.
	Answered Fate = iota
	// Closed is a connection that ends before the first byte of the answer.
	Closed
	// WasReset is a connection that is reset.
	WasReset
)

// Response is the answer to one request, and what the wire does to it.
type Response struct {
	Fate   Fate
	Status int
	Body   []byte
	// Headers by their Stripe names; empty ones are not sent.
	RequestID       string // Request-Id
	OriginalRequest string // Original-Request, of a replayed answer
	Replayed        bool   // Idempotent-Replayed: true
	IdempotencyKey  string // Idempotency-Key, as sent
	Version         string // Stripe-Version
	RateLimited     string // Stripe-Rate-Limited-Reason
	ContentType     string // Content-Type
	// Fault that was injected, and how long the answer is held back because of it.
	Fault Kind
	Delay time.Duration

	answer *answer
	after  uint64 // journal position that must be durable before the answer leaves
}

// render makes the body from the answer.
func (r *Response) render() {
	if r.answer != nil {
		r.Body = r.answer.appendJSON(make([]byte, 0, 2048))
		r.answer = nil
	}
}

func (r *Response) set(a answer) {
	r.Status, r.answer, r.ContentType = a.status, &a, "application/json"
}

func (r *Response) refuse(e *apiError) { r.set(answer{status: e.Status, err: e}) }

// plain is an answer that does not come from Stripe's API but from a proxy before it.
func (r *Response) plain(status int, contentType, body string) {
	r.Status, r.ContentType, r.Body, r.answer = status, contentType, []byte(body), nil
}

const (
	htmlBody = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
	textBody = "upstream connect error or disconnect/reset before headers\n"
)

// begun is an empty response with the headers that each answer has.
func (s *Stripe) begun(r *Request) Response {
	s.calls++
	version := r.Version
	if version == "" {
		version = APIVersion
	}
	return Response{
		RequestID: "req_" + base62(mix(s.seed^mix(s.calls)^mix(s.seq+1))) + strconv.FormatUint(s.calls%1000, 10),
		Version:   version, IdempotencyKey: r.IdempotencyKey,
	}
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 writes 64 bits as 11 characters.
func base62(x uint64) string {
	var b [11]byte
	for n := len(b) - 1; n >= 0; n-- {
		b[n] = alphabet[x%62]
		x /= 62
	}
	return string(b[:])
}

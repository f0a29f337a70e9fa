package gateway

import (
	"github.com/google/uuid"

	"github.com/payonce/payonce/idempotency"
)

// Codes of answers that are not Stripe's own.
const (
	// CodeUnreadable: a 2xx that is not a PaymentIntent. Maybe processed.
	CodeUnreadable = "payonce_unreadable_answer"
	// CodeBadCall: the call itself cannot be sent; nothing was.
	CodeBadCall = "payonce_bad_call"
	// CodeLeaseEnded: the claim ended before the first byte; nothing was sent.
	CodeLeaseEnded = "payonce_lease_ended"
	// CodeTooManyPages: a look saw only a part of its window, which proves nothing.
	CodeTooManyPages = "payonce_too_many_pages"
)

// reading is one answer, read but not judged.
type reading struct {
	kind   idempotency.CallKind
	keyed  bool
	unsent bool
	broken bool // no answer, or half of one
	status int
	err    *wireError          // a 4xx or 5xx in Stripe's form
	intent *idempotency.Intent // the 2xx, or the intent that the error shows
}

// row is one line of the table. A row matches if its status does (0: any) and test, if there is one, holds.
type row struct {
	name   string
	status int
	test   func(r *reading) bool
	class  idempotency.AnswerClass
}

// table is the one place that decides what an answer means for the money (rule 15). The first row that matches
// decides; the last one matches everything. A row that claims more than "maybe processed" needs Stripe's own form:
// a proxy's page says nothing of what is behind it.
//
// Sources: https://docs.stripe.com/error-low-level, https://docs.stripe.com/api/errors,
// https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/error-codes
var table = [...]row{
	{name: "not a byte was sent", test: func(r *reading) bool { return r.unsent }, class: idempotency.AnswerNotSent},
	{name: "no answer, or half of one", test: func(r *reading) bool { return r.broken }, class: idempotency.AnswerNone},
	{name: "a PaymentIntent", test: func(r *reading) bool { return r.ok() && r.intent != nil }, class: idempotency.AnswerIntent},
	{name: "2xx, but no PaymentIntent", test: (*reading).ok, class: idempotency.AnswerNone},
	{name: "not in Stripe's form: 3xx, proxies' pages, 5xx of the edge", test: func(r *reading) bool { return r.err == nil }, class: idempotency.AnswerNone},

	{name: "rate limit or lock", status: 429, class: idempotency.AnswerBusy},
	{name: "no valid key", status: 401, class: idempotency.AnswerRefused},
	{name: "not allowed", status: 403, class: idempotency.AnswerRefused},
	{name: "the first request of the key still runs", test: code("idempotency_key_in_use"), class: idempotency.AnswerInFlight},
	{name: "the object is locked by another request", status: 409, test: code("lock_timeout"), class: idempotency.AnswerBusy},
	{name: "the key was used with another request", test: func(r *reading) bool { return r.err.Type == "idempotency_error" }, class: idempotency.AnswerDrift},
	{name: "another conflict", status: 409, class: idempotency.AnswerInFlight},

	{name: "a stored 500", status: 500, test: func(r *reading) bool { return r.keyed }, class: idempotency.AnswerStored500},
	{name: "other 5xx, or a 500 without a key", test: func(r *reading) bool { return r.status >= 500 }, class: idempotency.AnswerNone},

	{name: "the intent is in another state", test: func(r *reading) bool {
		return r.intent != nil && (code("payment_intent_unexpected_state")(r) || (r.status == 400 || r.status == 402) && r.settled())
	}, class: idempotency.AnswerUnexpectedState},
	{name: "another state, but not shown which", test: code("payment_intent_unexpected_state"), class: idempotency.AnswerNone},
	{name: "declined", status: 402, class: idempotency.AnswerDeclined},
	{name: "declined, in the form of a 400", status: 400, test: func(r *reading) bool { return r.err.Type == "card_error" }, class: idempotency.AnswerDeclined},
	{name: "no such PaymentIntent", status: 404, test: func(r *reading) bool {
		return r.err.Code == "resource_missing" && r.ofIntent() && (r.err.Param == "intent" || r.err.Param == "payment_intent" || r.err.Param == "id" || r.err.Param == "")
	}, class: idempotency.AnswerMissing},
	{name: "something else is missing", status: 404, test: code("resource_missing"), class: idempotency.AnswerInvalid},
	{name: "the request can never be carried out", status: 400, class: idempotency.AnswerInvalid},
	{name: "anything else", class: idempotency.AnswerNone},
}

func code(c string) func(*reading) bool {
	return func(r *reading) bool { return r.err != nil && r.err.Code == c }
}

func (r *reading) ok() bool { return r.status >= 200 && r.status < 300 }

// ofIntent: the call names a PaymentIntent in its path.
func (r *reading) ofIntent() bool {
	return r.kind == idempotency.CallConfirm || r.kind == idempotency.CallRetrieve || r.kind == idempotency.CallCancel
}

// settled: the intent that an error shows is not open, so the error is no decline, whatever its code.
func (r *reading) settled() bool {
	switch r.intent.Status {
	case idempotency.IntentSucceeded, idempotency.IntentProcessing, idempotency.IntentRequiresCapture,
		idempotency.IntentCanceled:
		return true
	}
	return false
}

// judge finds the row.
func (r *reading) judge() *row {
	for i := range table {
		if t := &table[i]; (t.status == 0 || t.status == r.status) && (t.test == nil || t.test(r)) {
			return t
		}
	}
	return &table[len(table)-1]
}

// read decodes what an exchange brought; intent reads the body of a 2xx.
func (x *exchange) read(installation uuid.UUID, intent func([]byte) (*idempotency.Intent, error)) reading {
	r := reading{kind: x.kind, keyed: x.keyed, unsent: x.unsent(), broken: !x.whole, status: x.status}
	switch {
	case r.broken:
	case r.ok():
		// An answer that cannot be read stays nil: its row is "maybe processed".
		if i, err := intent(x.body); err == nil {
			r.intent = i
		}
	case r.status >= 400:
		if r.err = decodeError(x.body); r.err != nil && r.err.Intent != nil {
			r.intent, _ = r.err.Intent.intent(installation)
		}
	}
	return r
}

// answer judges a call that is about one PaymentIntent.
func (x *exchange) answer(installation uuid.UUID) idempotency.Answer {
	r := x.read(installation, func(b []byte) (*idempotency.Intent, error) { return decodeIntent(b, installation) })
	return x.classified(&r)
}

// readable stands for the intent where a readable answer is something else.
var readable = &idempotency.Intent{}

// classified applies the table and fills in the facts.
func (x *exchange) classified(r *reading) idempotency.Answer {
	a := idempotency.Answer{Class: r.judge().class, Began: idempotency.At(x.began)}
	if r.broken {
		if x.withheld.Load() && x.expired() {
			a.Code = CodeLeaseEnded
		}
		return a
	}
	a.Status, a.RequestID = x.status, token(x.header.Get("Request-Id"))
	a.Replayed = x.header.Get("Idempotent-Replayed") == "true"
	switch a.Class {
	case idempotency.AnswerIntent, idempotency.AnswerUnexpectedState, idempotency.AnswerDeclined:
		a.Intent = r.intent
	case idempotency.AnswerNone:
		if r.ok() {
			a.Code = CodeUnreadable
		}
	}
	if e := r.err; e != nil {
		a.Code, a.DeclineCode, a.Message = token(e.Code), token(e.DeclineCode), sentence(e.Message)
		if a.Class == idempotency.AnswerDeclined || a.Class == idempotency.AnswerInvalid {
			f := FailureOf(a.Code, a.DeclineCode, a.Message)
			a.Failure = &f
		}
		if a.Intent != nil && a.Intent.Card == nil {
			a.Intent.Card = e.PaymentMethod.Card.card()
		}
	}
	return a
}

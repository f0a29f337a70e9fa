package idempotency

import (
	"github.com/payonce/payonce/events"
)

// CallKind is what a Call does at Stripe.
type CallKind uint8

// The calls. Only CallConfirm and CallCreateConfirm can move money.
const (
	// CallCreate creates the PaymentIntent unconfirmed. It moves no money, needs no claim, and its key is stable.
	CallCreate CallKind = iota + 1
	// CallConfirm confirms the stored PaymentIntent.
	CallConfirm
	// CallCreateConfirm creates and confirms in one request (the one_step option).
	CallCreateConfirm
	// CallRetrieve reads the PaymentIntent by its id.
	CallRetrieve
	// CallFind lists PaymentIntents over a window and keeps those with our ids, amount and currency. Never a search.
	CallFind
	// CallCancel cancels the PaymentIntent: the close before a negative final state (rule 8).
	CallCancel
)

var callNames = [...]string{"none", "create", "confirm", "create_confirm", "retrieve", "find", "cancel"}

// String names the kind for logs and metrics.
func (k CallKind) String() string {
	if int(k) < len(callNames) {
		return callNames[k]
	}
	return "invalid"
}

// Claimed reports whether the call needs the lease: it can change what Stripe holds.
func (k CallKind) Claimed() bool {
	return k == CallConfirm || k == CallCreateConfirm || k == CallCancel
}

// Call is the single outside effect of a step: one Stripe request (CallFind: one per page).
// It may be run only after its Change was committed.
type Call struct {
	Kind       CallKind
	Payment    events.ID
	Tenant     string
	Amount     events.Money
	Reference  string // token of the purchase, see events.ReferenceToken; CallFind also reports others' intents for it when AnyOfReference
	Intent     string // CallConfirm, CallRetrieve, CallCancel
	Key        string // Idempotency-Key; empty for reads and cancels
	Form       []byte // body, as encoded and frozen
	APIVersion string
	Attempt    int
	Fence      uint64  // the claim this call runs under; 0 for unclaimed calls
	LeaseEnd   Instant // claimed calls: the first byte must leave before this moment
	From, To   Instant // CallFind: created between, inclusive
	// AnyOfReference makes CallFind report the PaymentIntent of another payment for the same purchase that is paid or
	// on its way (only after a restore, when the ledger may have forgotten that payment).
	AnyOfReference bool
}

// AnswerClass is what an answer means for the money. The gateway's one table decides it (rule 15).
type AnswerClass uint8

// The classes.
const (
	// AnswerNone: no answer (time-out, reset, EOF, a 502 to 504, a body that is not JSON). Maybe processed.
	AnswerNone AnswerClass = iota + 1
	// AnswerNotSent: the connection was refused; not a byte was sent.
	AnswerNotSent
	// AnswerIntent: 2xx with a PaymentIntent. Its status says what happened, the absence of an error does not.
	AnswerIntent
	// AnswerDeclined: 402; a definite decline, stored by Stripe under the key.
	AnswerDeclined
	// AnswerInvalid: 400; this request can never be carried out. Not processed.
	AnswerInvalid
	// AnswerUnexpectedState: the PaymentIntent is in another state than the call needs; Intent shows it.
	AnswerUnexpectedState
	// AnswerDrift: idempotency_error; the key was used with another request. Says nothing about the charge.
	AnswerDrift
	// AnswerInFlight: 409; the first request of this key is still running.
	AnswerInFlight
	// AnswerBusy: 429, rate limit or lock. Not processed.
	AnswerBusy
	// AnswerRefused: 401 or 403. Not processed; the account's lane stops.
	AnswerRefused
	// AnswerStored500: a 500 in Stripe's own form: indeterminate, and stored under the key.
	AnswerStored500
	// AnswerMissing: 404; the PaymentIntent does not exist for this account.
	AnswerMissing
	// AnswerNothing: CallFind saw the whole window and nothing matches.
	AnswerNothing
	// AnswerOther: CallFind with AnyOfReference found an intent of another payment for the purchase that is not canceled,
	// and none of this payment that is paid or may become so without us. Own is this payment's intent, if it has one.
	AnswerOther
)

var answerNames = [...]string{
	"", "none", "not_sent", "intent", "declined", "invalid", "unexpected_state", "drift", "in_flight", "busy",
	"refused", "stored_500", "missing", "nothing", "other",
}

// String names the class for logs, metrics and history.
func (c AnswerClass) String() string {
	if int(c) < len(answerNames) {
		return answerNames[c]
	}
	return "invalid"
}

// NotProcessed reports whether Stripe certainly did nothing for this one request (rule 5).
func (c AnswerClass) NotProcessed() bool {
	return c == AnswerNotSent || c == AnswerBusy || c == AnswerRefused
}

// Answer is one classified answer of Stripe.
type Answer struct {
	Class       AnswerClass
	Intent      *Intent // AnswerIntent, AnswerUnexpectedState, AnswerDeclined (if shown), AnswerOther
	Own         *Intent // AnswerOther
	PaidIntents int     // CallFind: how many successful PaymentIntents of this payment there are
	Code        string  // Stripe's error code
	DeclineCode string
	Message     string          // Stripe's sentence, guarded
	Failure     *events.Failure // AnswerDeclined, AnswerInvalid: what the app is told
	Status      int             // HTTP; 0 without an answer
	RequestID   string          // Stripe's Request-Id
	Replayed    bool            // Stripe replayed a stored answer
	Began       Instant         // our clock, just before the first byte of the (first) request
}

// IntentStatus is a PaymentIntent's status, as Stripe names it.
// Source: https://docs.stripe.com/payments/paymentintents/lifecycle
type IntentStatus string

// The statuses.
const (
	IntentRequiresPaymentMethod IntentStatus = "requires_payment_method"
	IntentRequiresConfirmation  IntentStatus = "requires_confirmation"
	IntentRequiresAction        IntentStatus = "requires_action"
	IntentProcessing            IntentStatus = "processing"
	IntentRequiresCapture       IntentStatus = "requires_capture"
	IntentSucceeded             IntentStatus = "succeeded"
	IntentCanceled              IntentStatus = "canceled"
)

// Intent is what payonce reads of a PaymentIntent.
type Intent struct {
	ID          string
	Status      IntentStatus
	Amount      events.Money
	Received    int64 // minor units that were charged
	Created     Instant
	Charge      string
	Card        *events.Card
	NextAction  string
	Payment     events.ID // from our metadata; zero if it is not ours
	Tenant      string
	Reference   string // token, from our metadata
	Order       string // the app's reference, from our metadata
	Fingerprint [32]byte
	AllowRepeat bool
	// LastError is the intent's last_payment_error, if it has one.
	LastError *events.Failure
}

// unpaid reports whether the intent is not paid and will not be without a request of ours.
func (i *Intent) unpaid() bool {
	return i.Status == IntentRequiresPaymentMethod || i.Status == IntentRequiresConfirmation || i.Status == IntentCanceled
}

// Encoder encodes the Stripe forms of a record. Pure: the same record and version give the same bytes.
// The gateway provides it; Next freezes what it returns.
type Encoder interface {
	// CreateForm is the unconfirmed create, ids in the metadata.
	CreateForm(r Record) []byte
	// ConfirmForm is the confirm of a PaymentIntent that was created with CreateForm.
	ConfirmForm(r Record) []byte
	// CreateConfirmForm is create and confirm in one request.
	CreateConfirmForm(r Record) []byte
	// APIVersion is the Stripe-Version that the forms are made for.
	APIVersion() string
}

package idempotency

import "github.com/payonce/payonce/events"

// State is where an operation stands. The machine is drawn in doc.go.
type State uint8

// The states of a payment. Their names are part of the HTTP contract.
// Capturing is automatic today, so there is no authorized or captured state yet.
const (
	// Absent is the state of an operation that no record exists for.
	Absent State = iota
	// Accepted: durable, acknowledged, never claimed.
	Accepted
	// Processing: a worker holds the lease; a request to Stripe may be under way.
	Processing
	// RetryScheduled: certainly not charged so far; another try comes at NotBefore.
	RetryScheduled
	// Unknown: Stripe was asked to charge and the answer is not known. Only evidence leaves it.
	Unknown
	// RequiresAction: the payer has to act (3-D Secure); nothing is charged until then.
	RequiresAction
	// Pending: Stripe took it and settles later (bank debits).
	Pending
	// Succeeded: paid. Final.
	Succeeded
	// Failed: definitely not charged, closed at Stripe. Final.
	Failed
	// Canceled: the app called it off before it was paid, closed at Stripe. Final.
	Canceled
	// Superseded: the purchase was paid by another payment, closed at Stripe. Final.
	Superseded
)

var stateNames = [...]string{
	"absent", "accepted", "processing", "retry_scheduled", "unknown", "requires_action", "pending",
	"succeeded", "failed", "canceled", "superseded",
}

// States lists every state a stored record can be in, in the order above.
func States() []State {
	all := make([]State, 0, len(stateNames)-1)
	for s := Accepted; int(s) < len(stateNames); s++ {
		all = append(all, s)
	}
	return all
}

// String returns the state's name in the HTTP contract.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "invalid"
}

// ParseState returns the stored state with this name.
func ParseState(name string) (State, bool) {
	for s := Accepted; int(s) < len(stateNames); s++ {
		if stateNames[s] == name {
			return s, true
		}
	}
	return Absent, false
}

// Final reports whether the state never changes again.
func (s State) Final() bool { return s >= Succeeded }

// Negative reports whether the state is final and says that nothing was charged, now or later.
func (s State) Negative() bool { return s > Succeeded }

// Record is all that is known of one operation: one idempotency key, one record.
//
// A Record is a value: Next takes one and returns a changed copy inside a Change, and shares no memory
// that it writes to. Engines store it as CBOR (the integer keys are the stored format and are never reused);
// Request and Frozen are written once, so that an engine may keep them apart from the part that changes.
type Record struct {
	ID          events.ID   `cbor:"1,keyasint"`
	Tenant      string      `cbor:"2,keyasint"`
	KeyHash     [32]byte    `cbor:"3,keyasint"` // SHA-256 of the app's key; the key itself is not kept
	Kind        events.Kind `cbor:"4,keyasint"`
	Fingerprint [32]byte    `cbor:"5,keyasint"` // zero: stored by a cancel before any request was seen

	State   State  `cbor:"6,keyasint"`
	Version uint64 `cbor:"7,keyasint"` // grows with every commit; 1 is the first
	Fence   uint64 `cbor:"8,keyasint"` // grows with every claim and every step that takes work from its owner
	Lease   Lease  `cbor:"9,keyasint,omitzero"`

	Amount      events.Money `cbor:"10,keyasint"`
	Reference   string       `cbor:"11,keyasint,omitempty"`
	AllowRepeat bool         `cbor:"12,keyasint,omitempty"`
	Holds       bool         `cbor:"13,keyasint,omitempty"` // this payment holds its reference (rule 9)

	Attempts []Attempt `cbor:"14,keyasint,omitempty"` // oldest first, at most MaxAttemptsKept
	Intent   string    `cbor:"15,keyasint,omitempty"` // the one PaymentIntent that may be confirmed (rule 4)
	Charge   string    `cbor:"16,keyasint,omitempty"`
	Captured int64     `cbor:"17,keyasint,omitempty"` // minor units
	Refunded int64     `cbor:"18,keyasint,omitempty"` // minor units

	Card       *events.Card    `cbor:"19,keyasint,omitempty"`
	Failure    *events.Failure `cbor:"20,keyasint,omitempty"`
	NextAction string          `cbor:"21,keyasint,omitempty"` // what the payer has to do, as Stripe names it
	Evidence   *Evidence       `cbor:"22,keyasint,omitempty"` // what the present state rests on
	Attention  *Attention      `cbor:"23,keyasint,omitempty"` // why a person should look; an open letter points here

	Closing   State   `cbor:"24,keyasint,omitempty"` // the negative state that is wanted once Stripe is closed (rule 8)
	Tries     int     `cbor:"25,keyasint,omitempty"` // tries since the last definite answer; sets the delay
	NotBefore Instant `cbor:"26,keyasint,omitempty"` // earliest next try
	Due       Instant `cbor:"27,keyasint,omitempty"` // when the janitor puts it back to work; zero: not its business
	Published bool    `cbor:"28,keyasint,omitempty"` // the outcome of the final state is durable

	Created Instant `cbor:"29,keyasint"`
	Updated Instant `cbor:"30,keyasint"`
	Trace   string  `cbor:"31,keyasint,omitempty"` // W3C traceparent of the request that submitted it
	History []Note  `cbor:"32,keyasint"`           // newest last, at most MaxNotesKept
	Notes   uint64  `cbor:"33,keyasint"`           // how many notes there ever were

	// Creates counts the keys that unconfirmed creates used up (a stored 500 or a drift).
	Creates int `cbor:"34,keyasint,omitempty"`

	// Request is what the app asked for. Written once, at accept.
	Request *events.Payment `cbor:"-"`
	// Frozen is the encoded Stripe form of the latest attempt, with the API version it was made for.
	// Written at the attempt's first send; every resend sends these bytes (rule 5).
	Frozen *Frozen `cbor:"-"`
}

// Lease is a claim on the work of one record, with an end.
type Lease struct {
	Owner string  `cbor:"1,keyasint"` // "boot/worker": which process, which worker in it
	Until Instant `cbor:"2,keyasint"`
}

// Frozen is a Stripe request as it was first sent.
type Frozen struct {
	Form       []byte `cbor:"1,keyasint"` // application/x-www-form-urlencoded
	APIVersion string `cbor:"2,keyasint"`
	OneStep    bool   `cbor:"3,keyasint,omitempty"` // create and confirm in one request; else a confirm
}

// Attempt is one try at charging: one Stripe key, sent once or more with the same bytes.
type Attempt struct {
	Number    int         `cbor:"1,keyasint"`
	Key       string      `cbor:"2,keyasint"` // the Idempotency-Key that Stripe saw
	FirstSent Instant     `cbor:"3,keyasint"` // written ahead of the first byte (rule 3)
	LastSent  Instant     `cbor:"4,keyasint"` // written ahead of the latest byte
	Sends     int         `cbor:"5,keyasint"`
	Answer    AnswerClass `cbor:"6,keyasint,omitempty"` // the latest answer; zero while none came
	RequestID string      `cbor:"7,keyasint,omitempty"` // Stripe's
	Status    int         `cbor:"8,keyasint,omitempty"` // HTTP status
	OneStep   bool        `cbor:"9,keyasint,omitzero"`
	Done      bool        `cbor:"10,keyasint,omitempty"` // a definite non-charge is stored: the next try is a new attempt
}

// Evidence says what a state rests on: which look or answer, and when.
type Evidence struct {
	Source    string  `cbor:"1,keyasint"` // answer, retrieve, list, cancel, request
	RequestID string  `cbor:"2,keyasint,omitempty"`
	Status    string  `cbor:"3,keyasint,omitempty"` // the PaymentIntent's status
	At        Instant `cbor:"4,keyasint"`
}

// Attention is why a person should look at a record.
type Attention struct {
	Class AttentionClass `cbor:"1,keyasint"`
	Since Instant        `cbor:"2,keyasint"`
}

// AttentionClass is the reason class of a dead letter.
type AttentionClass string

// The reason classes.
const (
	// AttentionVerify: in doubt for a day and nothing was found, or Stripe stored a 500.
	AttentionVerify AttentionClass = "verify"
	// AttentionDrift: Stripe says the key was used with another request. Never answered with a new key.
	AttentionDrift AttentionClass = "drift"
	// AttentionPoison: its message was received too often without an end.
	AttentionPoison AttentionClass = "poison"
	// AttentionOrphan: a message names an operation that no record exists for.
	AttentionOrphan AttentionClass = "orphan"
	// AttentionDuplicate: Stripe shows more than one successful PaymentIntent for this payment.
	AttentionDuplicate AttentionClass = "duplicate_charge"
	// AttentionMismatch: Stripe's PaymentIntent differs from the record in amount, currency or ids.
	AttentionMismatch AttentionClass = "mismatch"
	// AttentionContradiction: reported as not charged, and Stripe shows a charge. Only a restore can lead here.
	AttentionContradiction AttentionClass = "contradiction"
	// AttentionOverdue: the payer did not act, or Stripe did not settle, within the bound.
	AttentionOverdue AttentionClass = "overdue"
)

// Bounds of what a record keeps (rule 17).
const (
	MaxAttemptsKept = 16
	MaxNotesKept    = 40
)

// Open is the attempt that may have charged and whose end is not known, or nil.
func (r *Record) Open() *Attempt {
	if a := r.Latest(); a != nil && a.Sends > 0 && !a.Done {
		return a
	}
	return nil
}

// Latest is the newest attempt, or nil.
func (r *Record) Latest() *Attempt {
	if len(r.Attempts) == 0 {
		return nil
	}
	return &r.Attempts[len(r.Attempts)-1]
}

// declines counts the attempts that Stripe declined. An attempt without a definite answer uses up none of them.
func (r *Record) declines() (n int) {
	for _, a := range r.Attempts {
		if a.Done && a.Answer == AnswerDeclined {
			n++
		}
	}
	return n
}

// answered reports whether Stripe stored an answer under the attempt's key: sent again, it would only be replayed.
func (a *Attempt) answered() bool {
	switch a.Answer {
	case 0, AnswerNone, AnswerInFlight, AnswerBusy, AnswerNotSent, AnswerRefused:
		return false
	}
	return true
}

// clone returns a copy whose slices and pointers may be written to.
func (r Record) clone() Record {
	r.Attempts = append([]Attempt(nil), r.Attempts...)
	r.History = append([]Note(nil), r.History...)
	return r
}

// Announced reports whether apps are told, by an outcome event, that a payment has reached the state it is in.
func (r Record) Announced() bool {
	return r.State.Final() || r.State == RequiresAction || r.State == Pending
}

// Outcome is the outcome event of the record as it stands. A final state is reached once, so its event has the same id
// whenever it is published, after a restore too. Of a state that can be reached again the fence tells the times apart.
func (r Record) Outcome() events.Outcome {
	version := r.Fence
	if r.State.Final() {
		version = 0
	}
	return events.Outcome{
		Payment: r.ID, Tenant: r.Tenant, State: r.State.String(), Version: version, At: r.Updated.Time(),
		Amount: r.Amount, Captured: r.Captured, Refunded: r.Refunded, Reference: r.Reference,
		Intent: r.Intent, Charge: r.Charge, Card: r.Card, Failure: r.Failure, NextAction: r.NextAction,
		Attempts: len(r.Attempts),
	}
}

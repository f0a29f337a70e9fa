package events

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Outcome is what happened to a payment, complete enough to render its event
// at any later time. The cbor tags are its stored form: numbers are never
// given a second meaning.
type Outcome struct {
	Payment ID     `cbor:"1,keyasint,omitempty"`
	Tenant  string `cbor:"2,keyasint,omitempty"`
	// State is the state the payment reached, succeeded for example.
	State string `cbor:"3,keyasint,omitempty"`
	// Version tells apart the times that a payment reached a state that it can reach more than once. 0 for final
	// states: they are reached once, and publishing again, or after a restore, gives the same event.
	Version uint64 `cbor:"4,keyasint,omitempty"`
	// At is when it did. Events carry it in UTC with milliseconds, so a stored
	// form must keep those: CBOR's default of whole seconds is not enough.
	At     time.Time `cbor:"5,keyasint,omitempty"`
	Amount Money     `cbor:"6,keyasint,omitempty"`
	// Captured and Refunded are in the unit of Amount.
	Captured  int64  `cbor:"7,keyasint,omitempty"`
	Refunded  int64  `cbor:"8,keyasint,omitempty"`
	Reference string `cbor:"9,keyasint,omitempty"`
	// Intent and Charge are Stripe's ids, pi_... and ch_...
	Intent  string   `cbor:"10,keyasint,omitempty"`
	Charge  string   `cbor:"11,keyasint,omitempty"`
	Card    *Card    `cbor:"12,keyasint,omitempty"`
	Failure *Failure `cbor:"13,keyasint,omitempty"`
	// NextAction is the type of Stripe's next_action, or "".
	NextAction string `cbor:"14,keyasint,omitempty"`
	// Attempts counts the tries at Stripe.
	Attempts int `cbor:"15,keyasint,omitempty"`
}

// Card is all that is ever known of a card.
type Card struct {
	Brand    string `json:"brand" cbor:"1,keyasint,omitempty"`
	Last4    string `json:"last4" cbor:"2,keyasint,omitempty"`
	ExpMonth int    `json:"exp_month" cbor:"3,keyasint,omitempty"`
	ExpYear  int    `json:"exp_year" cbor:"4,keyasint,omitempty"`
}

// Failure says why a payment was not made. Message is for people, NextStep for
// the app's developers; both are our own sentences or Stripe's, redacted.
type Failure struct {
	Code        string `json:"code" cbor:"1,keyasint,omitempty"`
	DeclineCode string `json:"decline_code,omitempty" cbor:"2,keyasint,omitempty"`
	Message     string `json:"message" cbor:"3,keyasint,omitempty"`
	NextStep    string `json:"next_step,omitempty" cbor:"4,keyasint,omitempty"`
}

// EventID is the id of the outcome's event. It is a version 5 UUID over
// payment, version and state: publishing an outcome again gives the same id,
// so that a receiver can drop the second.
func (o Outcome) EventID() string {
	name := binary.BigEndian.AppendUint64(nil, o.Version)
	name = append(name, o.State...)
	return uuid.NewSHA1(uuid.UUID(o.Payment), name).String()
}

package events

import (
	"errors"
	"net/url"

	"github.com/go-json-experiment/json"
)

// EventTypePrefix begins the type of every outcome event; the state follows.
const EventTypePrefix = "payonce.payment."

// ErrOutcome means that an outcome is too incomplete to be published.
var ErrOutcome = errors.New("an outcome needs a payment, a state and a time")

// ErrSource means that the source of an event is no URI reference.
var ErrSource = errors.New("the source of an event is a URI reference, not empty")

// cloudEvent is the JSON format of CloudEvents 1.0, members in the order of
// the specification's examples.
type cloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        string    `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        eventData `json:"data"`
}

// eventData is the part of a payment that an outcome knows, named as in the
// HTTP contract.
type eventData struct {
	ID             ID              `json:"id"`
	Object         string          `json:"object"`
	State          string          `json:"state"`
	Amount         int64           `json:"amount"`
	AmountCaptured int64           `json:"amount_captured"`
	AmountRefunded int64           `json:"amount_refunded"`
	Currency       Currency        `json:"currency"`
	Reference      string          `json:"reference,omitzero"`
	Attempts       int             `json:"attempts"`
	Stripe         eventStripe     `json:"stripe"`
	Card           *Card           `json:"card,omitzero"`
	Failure        *Failure        `json:"failure,omitzero"`
	NextAction     eventNextAction `json:"next_action,omitzero"`
}

type eventStripe struct {
	PaymentIntent string `json:"payment_intent,omitzero"`
	Charge        string `json:"charge,omitzero"`
}

type eventNextAction struct {
	Type string `json:"type"`
}

// CloudEvent renders the outcome as one CloudEvents 1.0 event in structured
// JSON: type payonce.payment.<state>, subject the payment's id, id EventID,
// time when the state was reached. The same outcome and source give the same
// bytes. The tenant is not in it: who may read an event is the feed's business.
// source is a URI reference that names the installation.
// Errors: ErrOutcome, ErrSource.
// Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
func (o Outcome) CloudEvent(source string) ([]byte, error) {
	if o.Payment.IsZero() || o.State == "" || o.At.IsZero() {
		return nil, ErrOutcome
	}
	if u, err := url.Parse(source); err != nil || u.String() == "" {
		return nil, ErrSource
	}
	event := cloudEvent{
		SpecVersion: "1.0",
		ID:          o.EventID(),
		Source:      source,
		Type:        EventTypePrefix + o.State,
		Subject:     o.Payment.String(),
		Time:        o.At.UTC().Format(eventTime),
		ContentType: "application/json",
		Data: eventData{
			ID:             o.Payment,
			Object:         "payment",
			State:          o.State,
			Amount:         o.Amount.Minor,
			AmountCaptured: o.Captured,
			AmountRefunded: o.Refunded,
			Currency:       o.Amount.Currency,
			Reference:      o.Reference,
			Attempts:       o.Attempts,
			Stripe:         eventStripe{o.Intent, o.Charge},
			Card:           o.Card,
			Failure:        o.Failure.safe(),
			NextAction:     eventNextAction{o.NextAction},
		},
	}
	return json.Marshal(event)
}

// eventTime is RFC 3339 with milliseconds, always in UTC.
const eventTime = "2006-01-02T15:04:05.000Z07:00"

// safe passes the sentences, which may be Stripe's, through the guard once more.
func (f *Failure) safe() *Failure {
	if f == nil {
		return nil
	}
	s := *f
	s.Message, s.NextStep = Redact(f.Message), Redact(f.NextStep)
	return &s
}

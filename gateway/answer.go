package gateway

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// MaxMessage is the most that is kept of a sentence of Stripe's, in bytes.
const MaxMessage = 300

// maxSentence is the most of a sentence that is looked at.
const maxSentence = 4096

// errUnreadable: an answer is not what Stripe answers to such a call. It never holds any of the answer.
var errUnreadable = errors.New("the answer is not one of Stripe's")

// lenient decodes answers. Text in a wrong encoding is no reason to doubt the state beside it; a member that is there
// twice is. quick leaves that to the types of decode.go, which watch the members that they want.
var (
	lenient = json.JoinOptions(jsontext.AllowInvalidUTF8(true))
	quick   = json.JoinOptions(lenient, jsontext.AllowDuplicateNames(true))
)

// wireIntent is what is read of a PaymentIntent.
// Source: https://docs.stripe.com/api/payment_intents/object
type wireIntent struct {
	ID, Object     string
	Amount         int64
	AmountReceived int64
	Currency       string
	Status         idempotency.IntentStatus
	Created        int64 // seconds
	LatestCharge   wireCharge
	NextAction     string // its type
	Metadata       wireMetadata
	LastError      *wireError
}

// wireMetadata is what this package writes into a PaymentIntent's metadata; see forms.go.
type wireMetadata struct{ Installation, Tenant, Payment, Reference, Order, Fingerprint, AllowRepeat string }

// wireCharge is an expanded charge, or only its id.
type wireCharge struct {
	ID   string
	Card *wireCard
}

type wireCard struct {
	Brand, Last4      string
	ExpMonth, ExpYear int
}

// wireError is Stripe's error object. Source: https://docs.stripe.com/api/errors
type wireError struct {
	Type          string      `json:"type"`
	Code          string      `json:"code"`
	DeclineCode   string      `json:"decline_code"`
	Message       string      `json:"message"`
	Param         string      `json:"param"`
	Intent        *wireIntent `json:"payment_intent"`
	PaymentMethod struct {
		Card *wireCard `json:"card"`
	} `json:"payment_method"`
}

// decodeIntent reads the body of a 2xx. Errors: errUnreadable.
func decodeIntent(body []byte, installation uuid.UUID) (*idempotency.Intent, error) {
	var w wireIntent
	if err := json.Unmarshal(body, &w, quick); err != nil {
		return nil, errUnreadable // err repeats parts of the body
	}
	return w.intent(installation)
}

// decodeError reads the body of a 4xx or 5xx; nil if it is not in Stripe's form.
func decodeError(body []byte) *wireError {
	var w struct {
		Error *wireError `json:"error"`
	}
	if err := json.Unmarshal(body, &w, lenient); err != nil || w.Error == nil || w.Error.Type == "" {
		return nil
	}
	return w.Error
}

// intent checks and converts. Ids and amounts are Stripe's word; only text that is outside of Stripe's own grammars is
// dropped. Errors: errUnreadable.
func (w *wireIntent) intent(installation uuid.UUID) (*idempotency.Intent, error) {
	currency, err := events.ParseCurrency(w.Currency)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: unknown currency", errUnreadable)
	case w.Object != "payment_intent" || !isIntentID(w.ID):
		return nil, fmt.Errorf("%w: not a PaymentIntent", errUnreadable)
	case !knownStatus(w.Status):
		return nil, fmt.Errorf("%w: unknown status", errUnreadable)
	case w.Amount <= 0 || w.Created <= 0 || w.Created > math.MaxInt64/1000:
		return nil, fmt.Errorf("%w: no amount or time", errUnreadable)
	}
	i := &idempotency.Intent{
		ID: w.ID, Status: w.Status, Amount: events.Money{Minor: w.Amount, Currency: currency}, Received: w.AmountReceived,
		Created: idempotency.Instant(w.Created * 1000), Charge: token(w.LatestCharge.ID),
		NextAction: token(w.NextAction), Card: w.LatestCharge.Card.card(),
	}
	if e := w.LastError; e != nil {
		f := FailureOf(token(e.Code), token(e.DeclineCode), sentence(e.Message))
		i.LastError = &f
		if i.Card == nil {
			i.Card = e.PaymentMethod.Card.card()
		}
	}
	w.Metadata.into(i, installation)
	return i, nil
}

// into fills what only this installation's intents have; the others' metadata says nothing here.
func (m *wireMetadata) into(i *idempotency.Intent, installation uuid.UUID) {
	if m.Installation != installation.String() {
		return
	}
	id, err := events.ParseID(m.Payment)
	if err != nil {
		return
	}
	i.Payment, i.Tenant, i.Reference, i.Order = id, m.Tenant, m.Reference, m.Order
	i.AllowRepeat = m.AllowRepeat == "true"
	if b, err := hex.DecodeString(m.Fingerprint); err == nil && len(b) == len(i.Fingerprint) {
		i.Fingerprint = [32]byte(b)
	}
}

// card keeps the facts that may be kept, each only in its own grammar.
func (c *wireCard) card() *events.Card {
	if c == nil {
		return nil
	}
	k := events.Card{Brand: token(c.Brand)}
	if len(c.Last4) == 4 && strings.Trim(c.Last4, "0123456789") == "" {
		k.Last4 = c.Last4
	}
	if c.ExpMonth >= 1 && c.ExpMonth <= 12 && c.ExpYear >= 1970 && c.ExpYear <= 9999 {
		k.ExpMonth, k.ExpYear = c.ExpMonth, c.ExpYear
	}
	if k == (events.Card{}) {
		return nil
	}
	return &k
}

func knownStatus(s idempotency.IntentStatus) bool {
	switch s {
	case idempotency.IntentRequiresPaymentMethod, idempotency.IntentRequiresConfirmation, idempotency.IntentRequiresAction,
		idempotency.IntentProcessing, idempotency.IntentRequiresCapture, idempotency.IntentSucceeded,
		idempotency.IntentCanceled:
		return true
	}
	return false
}

// isIntentID is stricter than Stripe needs: an id becomes part of a path.
func isIntentID(s string) bool { return strings.HasPrefix(s, "pi_") && token(s) != "" }

// token gives s if it is one of Stripe's words or ids, else "". A run of digits that could be a card number is none.
func token(s string) string {
	if len(s) == 0 || len(s) > 255 {
		return ""
	}
	digits := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
			digits = false
		default:
			return ""
		}
	}
	if digits {
		return ""
	}
	return s
}

// sentence makes a text of Stripe's fit to keep: no card number, no control characters, at most MaxMessage bytes.
// It is redacted before it is cut, so that half a number does not pass.
func sentence(s string) string {
	s = cut(s, maxSentence)
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return cut(events.Redact(s), MaxMessage)
}

// cut gives at most limit bytes of s, ending at a rune's end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

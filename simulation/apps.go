package simulation

import (
	"errors"
	"fmt"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

// purchase is what one payer buys: one reference, one or more keys (pressed again, another tab, a late retry).
type purchase struct {
	reference string
	keys      []*submission
}

// submission is one key and what its app was told last. A later call that has no answer yet takes the word back.
type submission struct {
	key      events.Key
	id       events.ID
	body     string
	repeat   bool // allow_repeat
	accepted bool // some call was answered 202 or 200
	refused  bool // the last word was a 409 or 422, and no call is unanswered
	open     bool // some call was not answered
	calls    int
}

// methods are payment methods of the sandbox, the more usual ones more often.
var methods = []string{
	"pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_mastercard", "pm_card_chargeDeclined",
	"pm_card_chargeDeclinedProcessingError", "pm_sandbox_declines_2_processing_error", "pm_card_authenticationRequired",
	"pm_sandbox_processing", "pm_card_chargeDeclinedInsufficientFunds",
}

// stock invents the purchases of a run.
func (w *World) stock() {
	for n := range 4 + w.rng.IntN(5) {
		p := &purchase{}
		if w.rng.IntN(5) > 0 {
			p.reference = fmt.Sprintf("order-%d", n)
		}
		for k := range 1 + w.rng.IntN(3) {
			key, err := events.ParseKey([]string{fmt.Sprintf("key-%d-%d", n, k)})
			if err != nil {
				panic(err) // our own grammar
			}
			s := &submission{key: key, repeat: p.reference != "" && w.rng.IntN(12) == 0}
			s.body = w.body(p, s)
			p.keys = append(p.keys, s)
		}
		w.apps = append(w.apps, p)
	}
}

func (w *World) body(p *purchase, s *submission) string {
	reference := ""
	if p.reference != "" {
		reference = fmt.Sprintf(`,"reference":%q`, p.reference)
	}
	if s.repeat {
		reference += `,"allow_repeat":true`
	}
	return fmt.Sprintf(`{"amount":%d,"currency":"eur","payment_method":%q%s,"return_url":"https://shop.example/back"}`,
		100+w.rng.IntN(5000), methods[w.rng.IntN(len(methods))], reference)
}

// submit is one call of an app: a first one, or a repeat under the same key.
func (w *World) submit(s *submission) {
	s.calls++
	res, err := w.desk.Submit(w.ctx, tenant, s.key, []byte(s.body), "")
	var held *accept.HeldError
	var undecided *accept.UndecidedError
	switch {
	case err == nil && w.rng.IntN(20) == 0 && !w.healed:
		s.open = true // it was accepted and the answer got lost
		s.refused = false
		w.note("app submits %s: the answer is lost", short(res.Record.ID))
	case err == nil:
		if !s.accepted {
			w.res.Payments++
		}
		s.id, s.accepted, s.refused = res.Record.ID, true, false
		w.note("app submits %s: %s replayed %t", short(s.id), res.Record.State, res.Replayed)
	case errors.As(err, &held):
		s.refused = !s.open
		w.note("app submits: held by %s", short(held.Holder.ID))
	case errors.As(err, &undecided):
		s.open, s.refused = true, false
		w.note("app submits: undecided")
	default:
		panic(fmt.Sprintf("submit: %v", err))
	}
}

// otherBody repeats a key with another request. It must be refused and change nothing.
func (w *World) otherBody(s *submission) {
	_, err := w.desk.Submit(w.ctx, tenant, s.key, []byte(`{"amount":99999,"currency":"eur","payment_method":"pm_card_visa"}`), "")
	switch {
	case errors.Is(err, accept.ErrKeyReused):
		w.note("app reuses a key: refused")
	case err == nil: // the key was canceled before any request was seen
		w.note("app reuses a canceled key")
	default:
		w.note("app reuses a key: %T", err)
	}
}

// callOff cancels a key, known or not.
func (w *World) callOff(s *submission) {
	res, err := w.desk.Cancel(w.ctx, tenant, s.key)
	if err != nil {
		w.note("app cancels: %T", err)
		return
	}
	w.note("app cancels %s: %s", short(res.Record.ID), res.Record.State)
	s.id, s.open, s.refused = res.Record.ID, false, false
	s.accepted = true // a cancel that was answered means that the key is known for ever
}

// payer ends what waits for a person at Stripe, or for a bank.
func (w *World) payer() {
	for _, i := range w.records() {
		if i.Intent == "" {
			continue
		}
		var err error
		switch i.State {
		case idempotency.RequiresAction:
			err = w.stripe.CompleteAction(i.Intent, w.rng.IntN(3) > 0, w.now)
		case idempotency.Pending:
			err = w.stripe.Settle(i.Intent, w.rng.IntN(3) > 0, w.now)
		default:
			continue
		}
		w.note("payer or bank acts on %s: %v", short(i.ID), err)
		return
	}
}

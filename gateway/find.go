package gateway

import (
	"context"

	"github.com/payonce/payonce/idempotency"
)

// finding is what a look has seen so far.
type finding struct {
	call  *idempotency.Call
	ours  *idempotency.Intent // the one that matters most
	paid  int                 // how many of ours are paid
	other *idempotency.Intent // of another payment for the purchase, not canceled
}

// find lists the window and keeps what has our installation, payment id, amount and currency. Only a walk that saw the
// whole window says "nothing"; one that failed says None, Busy or Refused, whatever it saw before.
func (s *Stripe) find(ctx context.Context, call idempotency.Call) idempotency.Answer {
	if call.Payment.IsZero() || call.From <= 0 || call.To < call.From {
		return idempotency.Answer{Class: idempotency.AnswerInvalid, Code: CodeBadCall, Message: "The call cannot be sent as it is."}
	}
	ctx, cancel := context.WithTimeout(ctx, s.findTimeout)
	defer cancel()
	f := finding{call: &call}
	l := s.list("", call.From, call.To)
	l.most = maxPages
	var began idempotency.Instant
	for !l.done {
		p, a := l.next(ctx)
		if began == 0 {
			began = a.Began
		}
		a.Began = began
		if a.Class != idempotency.AnswerIntent {
			return cannotBeAsked(a)
		}
		for i := range p.intents {
			if err := f.see(s, &p.intents[i]); err != nil {
				a.Class, a.Code = idempotency.AnswerNone, CodeUnreadable
				return a
			}
		}
		if l.done {
			return f.answer(a)
		}
	}
	return idempotency.Answer{Class: idempotency.AnswerNone, Began: began} // not reached: the last page is done
}

// cannotBeAsked maps a page's failure: a look that failed proves nothing, and is repeated later.
func cannotBeAsked(a idempotency.Answer) idempotency.Answer {
	switch a.Class {
	case idempotency.AnswerBusy, idempotency.AnswerRefused:
	default:
		a.Class = idempotency.AnswerNone
	}
	a.Intent, a.Failure, a.PaidIntents = nil, nil, 0
	return a
}

// see looks at one listed intent. Errors: errUnreadable, for one of this installation only.
func (f *finding) see(s *Stripe, w *wireIntent) error {
	m := &w.Metadata
	if m.Installation != s.installation.String() {
		return nil
	}
	mine := m.Payment == f.call.Payment.String()
	same := f.call.AnyOfReference && f.call.Reference != "" && m.Reference == f.call.Reference && m.Tenant == f.call.Tenant
	if !mine && !same {
		return nil
	}
	i, err := w.intent(s.installation)
	if err != nil {
		return err
	}
	switch {
	case mine && i.Amount == f.call.Amount:
		if i.Status == idempotency.IntentSucceeded {
			f.paid++
		}
		if f.ours == nil || rank(i.Status) > rank(f.ours.Status) {
			f.ours = i
		}
	case !mine && !i.AllowRepeat && i.Status != idempotency.IntentCanceled && (f.other == nil || rank(i.Status) > rank(f.other.Status)):
		f.other = i
	}
	return nil
}

// answer sums up a whole window. Another payment's intent is reported unless ours is paid, or may become so without us.
func (f *finding) answer(a idempotency.Answer) idempotency.Answer {
	a.PaidIntents = f.paid
	switch {
	case f.other != nil && (f.ours == nil || rank(f.ours.Status) < onItsWay):
		a.Class, a.Intent, a.Own = idempotency.AnswerOther, f.other, f.ours
	case f.ours != nil:
		a.Class, a.Intent = idempotency.AnswerIntent, f.ours
	default:
		a.Class = idempotency.AnswerNothing
	}
	return a
}

// onItsWay is the rank from which an intent may become paid without anything that we do.
const onItsWay = 2

// rank orders what a payment's intents say about it, the most telling last. Of equals the newest is kept.
func rank(s idempotency.IntentStatus) int {
	switch s {
	case idempotency.IntentSucceeded:
		return 4
	case idempotency.IntentProcessing:
		return 3
	case idempotency.IntentRequiresAction, idempotency.IntentRequiresCapture:
		return 2
	case idempotency.IntentCanceled:
		return 1 // closed by us, or by somebody: a spare one that is open must not bring the payment back
	default:
		return 0 // open
	}
}

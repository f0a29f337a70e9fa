package idempotency

import (
	"time"

	"github.com/payonce/payonce/events"
)

// succeed is the one arrow into succeeded.
func succeed(r Record, in Answered, now Instant) (Change, *Call, error) {
	r.Captured = in.Answer.Intent.Received
	if r.Captured == 0 {
		r.Captured = r.Amount.Minor // answers to a confirm may leave it out
	}
	r.Failure, r.Closing = nil, 0
	if a := r.Latest(); a != nil {
		a.Done = true
	}
	return r.final(Succeeded, now, "paid_by_"+r.Evidence.Source)
}

// canceledAtStripe: the intent is canceled, so nothing was charged and nothing ever will be.
func canceledAtStripe(r Record, now Instant) (Change, *Call, error) {
	to := r.Closing
	if to == 0 {
		to = Canceled
		if r.Failure == nil {
			r.Failure = &events.Failure{
				Code: "intent_canceled", Message: "The PaymentIntent was canceled at Stripe.",
				NextStep: "Submit a new payment with a new idempotency key if the purchase is still wanted.",
			}
		}
	}
	return r.final(to, now, "canceled_at_stripe")
}

// final settles the record for good. A negative end gives the reference back.
func (r *Record) final(to State, now Instant, why string) (Change, *Call, error) {
	r.Fence++
	resolved := r.Attention != nil && r.Attention.Class != AttentionDuplicate
	r.Lease, r.NotBefore, r.Due, r.Closing, r.Tries, r.NextAction = Lease{}, 0, 0, 0, 0, ""
	if to.Negative() {
		r.Holds = false
	}
	if resolved {
		r.Attention = nil
	}
	r.note(now, to, why)
	r.Published = true
	c := change(*r)
	o := c.Record.Outcome()
	c.Outcome = &o
	switch {
	case resolved:
		c.Letter = &Letter{Operation: r.ID, Tenant: r.Tenant, Resolved: true, At: now}
	case r.Attention != nil:
		c = letter(c, "Stripe shows more than one successful PaymentIntent for this payment: refund one of them")
	}
	return c, nil, nil
}

// wait parks a payment that is neither paid nor declined: the payer has to act, or the bank.
func wait(r Record, in Answered, now Instant, to State) (Change, *Call, error) {
	if r.Closing != 0 && to == RequiresAction {
		return closing(r, in.Receive, now)
	}
	if to == Pending {
		r.Closing = 0 // Stripe refuses to cancel it; the wish has come too late
	}
	fresh := r.State != to
	if fresh {
		r.Tries = 0
	}
	since := now.Since(waitingSince(r, to, now))
	if to == RequiresAction && since >= in.Policy.ActionTimeout {
		f := events.Failure{
			Code: "authentication_timeout", Message: "The payer did not complete the authentication in time.",
			NextStep: "Ask the payer to try again with a new payment.",
		}
		r.Failure, r.Closing = &f, Failed
		return closing(r, in.Receive, now)
	}
	overdue := to == Pending && since >= pendingOverdue && r.Attention == nil
	if overdue {
		r.attend(AttentionOverdue, now)
	}
	c, call, err := retry(r, in, now, to, "stripe_"+to.String())
	if fresh && c.Record != nil {
		o := c.Record.Outcome()
		c.Outcome = &o
	}
	if overdue {
		c = letter(c, "the bank has not settled this payment for two weeks")
	}
	return c, call, err
}

// waitingSince is when the record entered the waiting state it is in.
func waitingSince(r Record, s State, now Instant) Instant {
	since := now
	for i := len(r.History) - 1; i >= 0 && r.History[i].To == s; i-- {
		since = r.History[i].At
	}
	return since
}

// retry parks the record until the next try or look. The delay comes from the record's own count of tries.
func retry(r Record, in Answered, now Instant, to State, why string) (Change, *Call, error) {
	r.Tries++
	delay := r.delay(in.Receive, in.Answer.Class, to)
	r.Lease = Lease{}
	r.Fence++
	r.park(now, delay)
	doubt := to == Unknown && r.Attention == nil && r.inDoubt(now) >= VerifyAfter
	if doubt {
		r.attend(AttentionVerify, now)
	}
	if r.State != to || r.State == Processing {
		r.note(now, to, why)
	} else {
		r.Updated = now // another look without news is no transition
	}
	c := change(r)
	c.Messages = r.again(delay)
	if doubt {
		c = letter(c, "in doubt for a day: Stripe shows neither a charge nor its absence")
	}
	return c, nil, nil
}

// inDoubt is how long ago the first attempt was sent of which no definite answer is known.
func (r *Record) inDoubt(now Instant) time.Duration {
	for _, a := range r.Attempts {
		if a.Answer != AnswerDeclined && a.Answer != AnswerInvalid {
			return now.Since(a.FirstSent)
		}
	}
	return 0
}

// park sets when the record goes on. A short delay is a delayed message; the janitor's index is behind it in
// case the message is lost, and in front for the long ones (rule 12).
func (r *Record) park(now Instant, delay time.Duration) {
	r.NotBefore = now.Add(delay)
	r.Due = r.NotBefore
	if delay <= MaxMessageDelay {
		r.Due = r.NotBefore.Add(wakeGrace)
	}
}

func (r *Record) again(delay time.Duration) []Message {
	if delay > MaxMessageDelay {
		return nil
	}
	return []Message{{Operation: r.ID, Delay: delay, Trace: r.Trace}}
}

// mismatch: Stripe shows something that cannot be about this record as it stands. A person looks; payonce goes
// on looking, hourly, and charges nothing.
func mismatch(r Record, in Answered, now Instant) (Change, *Call, error) {
	to := keep(r)
	r.attend(AttentionMismatch, now)
	r.Tries = manyTries
	c, call, err := retry(r, in, now, to, "mismatch")
	return letter(c, "Stripe's PaymentIntent is missing, or differs from the record in id, amount or currency"), call, err
}

// attend marks the record for a person, once.
func (r *Record) attend(class AttentionClass, now Instant) {
	if r.Attention == nil || r.Attention.Class != class {
		r.Attention = &Attention{Class: class, Since: now}
	}
}

// letter adds the dead letter of the record's attention to a commit.
func letter(c Change, reason string) Change {
	if c.Record != nil && c.Record.Attention != nil {
		c.Letter = &Letter{
			Operation: c.Record.ID, Tenant: c.Record.Tenant, Class: c.Record.Attention.Class, Reason: reason,
			At: c.Record.Attention.Since,
		}
	}
	return c
}

// withLetter commits the record with its letter.
func withLetter(r Record, reason string) Change { return letter(change(r), reason) }

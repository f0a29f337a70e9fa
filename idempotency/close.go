package idempotency

import "fmt"

// closing is the way to a negative final state: the PaymentIntent, if one may exist, is canceled at Stripe first.
// If it turns out paid, the payment is paid (rule 8).
func closing(r Record, in Receive, now Instant) (Change, *Call, error) {
	switch {
	case r.Intent != "":
		r.claim(in, now, "closing")
		c := change(r)
		return c, r.close(), nil
	case r.Open() != nil:
		return look(r)
	case in.Gate != nil:
		return gateLook(r, *in.Gate)
	}
	r.Evidence = &Evidence{Source: "request", At: now}
	return r.final(r.Closing, now, "closed_never_sent")
}

// close is the request that cancels the stored intent. It carries no idempotency key: a cancel is the same however
// often it is sent, and a stored 500 must not block it for a day.
func (r *Record) close() *Call {
	c := r.call(CallCancel)
	c.LeaseEnd = r.Lease.Until
	return c
}

// closed judges the answer to the cancel. Without a definite answer the payment stays in doubt and is closed later.
func closed(r Record, in Answered, now Instant) (Change, *Call, error) {
	r.Evidence = evidence(in, now)
	switch in.Answer.Class {
	case AnswerIntent, AnswerUnexpectedState:
		i := in.Answer.Intent
		if i == nil || i.ID != r.Intent {
			return mismatch(r, in, now)
		}
		switch i.Status {
		case IntentCanceled:
			return r.final(r.Closing, now, "closed_at_stripe")
		case IntentSucceeded, IntentProcessing:
			return byStatus(r, in, now)
		}
	case AnswerMissing:
		return mismatch(r, in, now)
	}
	r.Evidence = nil
	return retry(r, in, now, keep(r), "close_"+in.Answer.Class.String())
}

// held: the commit found another live payment on the reference. What was never sent needs no closing; what may
// have been is closed at Stripe, and is paid if it turns out so (rule 9).
func held(r Record, in Held, now Instant) (Change, *Call, error) {
	if r.State == Absent || r.State.Final() {
		return Change{}, nil, nil
	}
	r.Closing, r.Holds = Superseded, false
	if r.Intent == "" {
		return closing(r, in.Receive, now)
	}
	// The claim may not take the reference, so the intent is closed under a lease that does not hold it.
	r.Fence++
	r.Lease = Lease{Owner: in.Worker, Until: now.Add(in.Policy.Lease)}
	r.note(now, Processing, "superseding")
	c := change(r)
	return c, r.close(), nil
}

// poisoned takes a payment off the queue that never came to an end there. It keeps its reference, and stays in
// doubt if it was; an operator sees it.
func poisoned(r Record, in Poisoned, now Instant) (Change, *Call, error) {
	reason := fmt.Sprintf("its message was received %d times without an end", in.Receives)
	switch {
	case r.State == Absent || r.State.Final() && r.Published:
		return Change{}, nil, nil
	case r.State.Final():
		return publish(r)
	}
	to := keep(r)
	r.Fence++
	r.Lease, r.Due, r.NotBefore = Lease{}, 0, 0
	r.Attention = &Attention{Class: AttentionPoison, Since: now}
	r.note(now, to, "poison")
	return withLetter(r, reason), nil, nil
}

// adopt takes over what Stripe shows and the ledger does not know: after a restore, a payment since the backup.
// Paid is paid. Anything else waits for evidence, or for the app to repeat its request; it holds its reference.
func adopt(r Record, in Adopt, now Instant) (Change, *Call, error) {
	i := in.Intent
	if r.State != Absent {
		// Known: whoever holds its work asks Stripe. Only a worker settles (rule 10).
		if r.State.Final() {
			return Change{}, nil, nil
		}
		return Change{Messages: []Message{{Operation: r.ID, Trace: r.Trace}}}, nil, nil
	}
	r = Record{
		ID: i.Payment, Tenant: i.Tenant, Kind: "charge", Fingerprint: i.Fingerprint, Amount: i.Amount,
		Reference: i.Order, AllowRepeat: i.AllowRepeat, Holds: i.Order != "" && !i.AllowRepeat,
		Intent: i.ID, Charge: i.Charge, Card: i.Card, Created: i.Created,
		Evidence: &Evidence{Source: "list", Status: string(i.Status), At: now},
	}
	switch i.Status {
	case IntentSucceeded:
		r.Captured = i.Received
		return r.final(Succeeded, now, "adopted_paid")
	case IntentCanceled:
		return Change{}, nil, nil // nothing was charged on it and nothing will be
	}
	to := RetryScheduled
	switch i.Status {
	case IntentProcessing:
		to = Pending
	case IntentRequiresAction:
		to, r.NextAction = RequiresAction, i.NextAction
	}
	r.note(now, to, "adopted_"+string(i.Status))
	r.Due = now
	r.NotBefore = now
	return change(r), nil, nil
}

package idempotency

import "fmt"

// closing is the way to a negative final state: the PaymentIntent, if one may exist, is canceled at Stripe first.
// If it turns out paid, the payment is paid (rule 8).
func closing(r Record, in Receive, now Instant) (Change, *Call, error) {
	switch {
	case in.Gate != nil && len(r.Attempts) == 0:
		return gateLook(r, *in.Gate)
	case r.Intent != "":
		r.claim(in, now, "closing")
		c := change(r)
		return c, r.close(), nil
	case r.Open() != nil:
		return look(r, in)
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

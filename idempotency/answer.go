package idempotency

import "github.com/payonce/payonce/events"

// answered judges what Stripe said. One function per kind of call; each row of the protocol is in one place.
func answered(r Record, in Answered, now Instant) (Change, *Call, error) {
	if in.Call.Kind.Claimed() {
		meant := r.Open() != nil
		if in.Call.Kind == CallCancel {
			meant = r.Closing != 0
		}
		if r.State != Processing || r.Fence != in.Call.Fence || !meant {
			return Change{}, nil, ErrNotOwner // rule 6: a stale owner never writes
		}
	} else if r.State == Absent || r.State.Final() || r.Fence != in.Call.Fence || r.State == Processing && r.leased(in.Receive, now) {
		return Change{}, nil, ErrNotOwner
	}
	switch in.Call.Kind {
	case CallCreate:
		return created(r, in, now)
	case CallConfirm, CallCreateConfirm:
		return charged(r, in, now)
	case CallRetrieve, CallFind:
		return seen(r, in, now)
	default:
		return closed(r, in, now)
	}
}

// created judges the unconfirmed create. Nothing can have been charged by it.
func created(r Record, in Answered, now Instant) (Change, *Call, error) {
	a := in.Answer
	switch a.Class {
	case AnswerIntent:
		if i := a.Intent; i == nil || i.ID == "" || i.Payment != r.ID || i.Amount != r.Amount {
			return mismatch(r, in, now)
		}
		r.Intent = a.Intent.ID
		if r.Closing != 0 {
			return closing(r, in.Receive, now)
		}
		if o := r.Open(); o != nil {
			// A one-step attempt whose key is old and of which a look after the quiet period found nothing: it
			// may still not be charged a second time in one step, so the two steps are taken (rule 7).
			o.Done = true
		}
		return confirm(r, in.Receive, now)
	case AnswerInvalid, AnswerDeclined, AnswerMissing:
		f := failure(a)
		r.Failure = &f
		r.Evidence = evidence(in, now)
		return r.final(Failed, now, "refused_by_stripe")
	case AnswerStored500, AnswerDrift:
		r.Creates++
	}
	return retry(r, in, now, RetryScheduled, "create_"+a.Class.String())
}

// charged judges the answer to a confirm. The worker holds the claim.
func charged(r Record, in Answered, now Instant) (Change, *Call, error) {
	a, at := in.Answer, r.Latest()
	at.RequestID, at.Status = a.RequestID, a.Status
	r.Evidence = evidence(in, now)
	switch {
	case a.Class == AnswerIntent || a.Class == AnswerUnexpectedState:
		at.Answer = a.Class
		return byStatus(r, in, now)
	case a.Class == AnswerInvalid && at.Sends > 1 && r.Intent == "":
		at.Answer = a.Class // of this send only; of an earlier one, in one step, it says nothing
		return retry(r, in, now, Unknown, a.Class.String())
	case a.Class == AnswerDeclined || a.Class == AnswerInvalid:
		at.Answer = a.Class
		if r.Intent == "" && a.Intent != nil {
			r.Intent = a.Intent.ID // one step: the declined intent is the one to go on with or to close
		}
		return nonCharge(r, in, now, failure(a))
	case a.Class.NotProcessed() && at.Sends == 1:
		// Proved not sent: the attempt never was (rule 5). Had it been sent before, only evidence would tell.
		r.Attempts = r.Attempts[:len(r.Attempts)-1]
		return retry(r, in, now, RetryScheduled, a.Class.String())
	case a.Class.NotProcessed():
		return retry(r, in, now, Unknown, a.Class.String()) // at.Answer stays: an earlier send is still open
	case a.Class == AnswerDrift:
		at.Answer = a.Class
		r.Tries = 0
		r.attend(AttentionDrift, now)
		c, call, err := retry(r, in, now, Unknown, a.Class.String())
		return letter(c, "Stripe says that the key was sent with another request; it is never sent again"), call, err
	case a.Class == AnswerMissing:
		at.Answer = a.Class
		return mismatch(r, in, now)
	}
	at.Answer = a.Class // none, in flight, stored 500
	if a.Class == AnswerStored500 {
		r.Tries = 0 // what went before does not put the looks off (rule 7)
	}
	return retry(r, in, now, Unknown, a.Class.String())
}

// byStatus moves the record to where the PaymentIntent is. The answer is to a charge of ours, or shows the intent.
func byStatus(r Record, in Answered, now Instant) (Change, *Call, error) {
	i := in.Answer.Intent
	if i == nil || i.ID == "" || r.Intent != "" && i.ID != r.Intent || i.Amount != r.Amount {
		return mismatch(r, in, now)
	}
	r.Intent, r.Charge, r.Card = i.ID, i.Charge, i.Card
	switch i.Status {
	case IntentSucceeded:
		return succeed(r, in, now)
	case IntentCanceled:
		return canceledAtStripe(r, now)
	case IntentProcessing:
		return wait(r, in, now, Pending)
	case IntentRequiresAction:
		r.NextAction = i.NextAction
		return wait(r, in, now, RequiresAction)
	case IntentRequiresPaymentMethod:
		if in.Answer.Class == AnswerUnexpectedState || !in.Call.Kind.Claimed() {
			break // not an answer to this send: it proves nothing of it
		}
		f := events.Failure{Code: "payment_failed", Message: "Stripe did not complete the payment."}
		if i.LastError != nil {
			f = *i.LastError
		}
		return nonCharge(r, in, now, f)
	case IntentRequiresCapture:
		return mismatch(r, in, now) // captures are automatic: someone changed the intent
	}
	return retry(r, in, now, Unknown, "open_"+string(i.Status))
}

// nonCharge is a definite no to the latest attempt: the next attempt later if Stripe says it may be tried again,
// else the close (rule 8).
func nonCharge(r Record, in Answered, now Instant, f events.Failure) (Change, *Call, error) {
	if at := r.Latest(); at != nil {
		at.Done = true
	}
	r.Failure, r.Tries, r.NextAction = &f, 0, ""
	if r.Closing == 0 && in.Answer.Class != AnswerInvalid && retryable(f.DeclineCode) && r.declines() < in.Policy.MaxAttempts {
		r.Tries = r.declines()
		return retry(r, in, now, RetryScheduled, "declined_try_again")
	}
	if r.Closing == 0 {
		r.Closing = Failed
	}
	if r.Intent == "" {
		return r.final(r.Closing, now, "declined")
	}
	// The decline is stored before the close is sent, so that a crash here resumes with the close.
	if r.State == Processing {
		r.note(now, Processing, "declined")
		c := change(r)
		return c, r.close(), nil
	}
	return closing(r, in.Receive, now)
}

// seen judges a look: by id, or by list.
func seen(r Record, in Answered, now Instant) (Change, *Call, error) {
	a := in.Answer
	r.Evidence = evidence(in, now)
	gate := in.Gate
	in.Gate = nil // one look a turn: what the gate asks for has been asked, or the intent is known to be under way
	if in.Call.Kind == CallFind && r.gateNotQuiet(in, gate) {
		return retry(r, in, now, keep(r), "gate_not_quiet")
	}
	switch a.Class {
	case AnswerIntent:
		if a.PaidIntents > 1 {
			r.attend(AttentionDuplicate, now)
		}
		return bySight(r, in, now)
	case AnswerOther:
		return otherSeen(r, in, gate, now)
	case AnswerNothing:
		return nothing(r, in, now)
	case AnswerMissing, AnswerInvalid:
		return mismatch(r, in, now)
	}
	r.Evidence = nil
	return retry(r, in, now, keep(r), "stripe_cannot_be_asked") // down is not absent
}

// gateNotQuiet: a one-step charge that the lost process sent shows nothing at Stripe before it takes effect, and that
// may be until the quiet period after the restore is over. A look before proves no absence. In two steps there is
// nothing to wait for: what could be confirmed late is an intent, and the list shows it.
func (r *Record) gateNotQuiet(in Answered, gate *Window) bool {
	o := r.Open()
	oneStep := o == nil && len(r.Attempts) == 0 && in.Policy.OneStep || o != nil && o.OneStep
	if gate == nil || !oneStep || in.Answer.Began >= gate.To.Add(Quiet) {
		return false
	}
	i := in.Answer.Intent
	open := i != nil && (i.Status == IntentRequiresPaymentMethod || i.Status == IntentRequiresConfirmation)
	return in.Answer.Class == AnswerNothing || in.Answer.Class == AnswerIntent && open
}

// otherSeen: after a restore, Stripe shows the purchase with a payment that the ledger had forgotten (rule 9). One that
// is paid, or on its way, supersedes this one. So does any that came after this one was accepted, if the backup has this
// one: it can only have been accepted because this one had ended. Else an unpaid one counts as dead once a look began
// after the quiet period: the process that knew it is gone, and what it sent has taken effect by then or never will.
func otherSeen(r Record, in Answered, gate *Window, now Instant) (Change, *Call, error) {
	a, other := in.Answer, in.Answer.Intent
	own := a.Own != nil && a.Own.Payment == r.ID && len(r.Attempts) == 0
	open := other != nil && (other.Status == IntentRequiresPaymentMethod || other.Status == IntentRequiresConfirmation)
	switch {
	case other == nil:
		return mismatch(r, in, now)
	case !open, gate != nil && r.Created < gate.From && other.Created > r.Created.Add(Quiet):
		r.Closing = Superseded
		if own && a.Own.Status != IntentCanceled {
			r.Intent = a.Own.ID // closed at Stripe first, as any other (rule 8)
		}
		if o := r.Open(); o != nil && r.Intent == "" {
			if a.Own != nil {
				r.Intent = a.Own.ID
			} else if gate == nil || a.Began < max(gate.To, o.LastSent).Add(Quiet) {
				return retry(r, in, now, keep(r), "other_not_quiet") // a late charge of ours would be one too many
			} else {
				return r.final(Superseded, now, "nothing_at_stripe")
			}
		}
		return closing(r, in.Receive, now)
	case gate == nil || a.Began < gate.To.Add(Quiet):
		return retry(r, in, now, keep(r), "other_not_quiet")
	case own:
		in.Answer.Class, in.Answer.Intent = AnswerIntent, a.Own
		return bySight(r, in, now)
	}
	return nothing(r, in, now)
}

// bySight judges an intent that a look found. An unpaid one is no proof of non-payment: go on with it, or close it.
func bySight(r Record, in Answered, now Instant) (Change, *Call, error) {
	i := in.Answer.Intent
	if i != nil && len(r.Attempts) == 0 && in.Call.Kind == CallFind {
		r.Intent = i.ID // nothing was sent by this ledger: the list, which prefers a paid one, knows better
	}
	if i == nil || i.ID == "" || r.Intent != "" && i.ID != r.Intent || i.Payment != r.ID || i.Amount != r.Amount {
		return mismatch(r, in, now)
	}
	if r.spare(in) {
		return retry(r, in, now, keep(r), "open_not_quiet")
	}
	switch i.Status {
	case IntentRequiresPaymentMethod, IntentRequiresConfirmation:
	default:
		return byStatus(r, in, now)
	}
	r.Intent = i.ID
	switch {
	case r.Closing != 0:
		return closing(r, in.Receive, now)
	case r.State == RequiresAction || r.State == Pending:
		// It was past the confirm and came back: the payer failed to authenticate, or the debit was returned.
		f := events.Failure{Code: "payment_failed", Message: "The payment was not completed by the payer or the bank."}
		if i.LastError != nil {
			f = *i.LastError
		}
		return nonCharge(r, in, now, f)
	case r.Open() == nil:
		return try(r, in.Receive, now, false) // found by the gate, never sent by this ledger
	case i.Status == IntentRequiresPaymentMethod && i.LastError != nil && len(r.Attempts) == 1 && !r.Attempts[0].OneStep:
		// It was created with a payment method and confirmed by this attempt alone, so the decline that it shows is this
		// attempt's, whose answer was a stored 500. What follows needs no quiet: the same intent goes on, or is canceled.
		r.Latest().Answer = AnswerDeclined
		return nonCharge(r, in, now, *i.LastError)
	case in.Answer.Began.Since(r.Open().LastSent) < Quiet:
		return retry(r, in, now, keep(r), "open_not_quiet")
	case len(r.Attempts)-r.declines() >= maxContinued:
		f := events.Failure{Code: "no_definite_answer", Message: "Stripe gave no definite answer; the payment was closed unpaid."}
		r.Failure, r.Closing = &f, Failed
		return closing(r, in.Receive, now)
	}
	return confirm(r, in.Receive, now) // go on with the same intent, which succeeds at most once
}

// spare reports whether the intent that a list shows may be another one than that of the open one-step attempt, which
// appears only as it takes effect. Until a look began after the quiet period it is neither gone on with nor closed, and its
// id is not kept: the next look lists again, and prefers what is paid.
func (r *Record) spare(in Answered) bool {
	o := r.Open()
	return o != nil && o.OneStep && r.Intent == "" && in.Answer.Intent.unpaid() && in.Answer.Began.Since(o.LastSent) < Quiet
}

// nothing judges a list that shows no intent of this payment.
func nothing(r Record, in Answered, now Instant) (Change, *Call, error) {
	o := r.Open()
	switch {
	case o == nil && r.Closing != 0:
		return closing(r, in.Receive, now)
	case o == nil:
		return try(r, in.Receive, now, false) // the gate: nothing was forgotten, go on as usual
	case in.Answer.Began.Since(o.LastSent) < Quiet:
		return retry(r, in, now, keep(r), "nothing_not_quiet")
	case r.Closing != 0:
		return r.final(r.Closing, now, "nothing_at_stripe")
	case o.Answer == AnswerStored500:
		return retry(r, in, now, keep(r), "stored_500_nothing_yet")
	}
	// The same key again is old by now; what is left are the two steps, never a second one-step charge.
	call := r.call(CallCreate)
	call.Form = in.Encoder.CreateForm(r)
	call.APIVersion = in.Encoder.APIVersion()
	call.Key = createKey(r, call.Form)
	return Change{}, call, nil
}

// keep is the state that a look without evidence leaves: in doubt stays in doubt.
func keep(r Record) State {
	switch {
	case r.State == RequiresAction || r.State == Pending:
		return r.State
	case r.Open() != nil:
		return Unknown
	}
	return RetryScheduled
}

func evidence(in Answered, now Instant) *Evidence {
	source := "answer"
	switch in.Call.Kind {
	case CallRetrieve:
		source = "retrieve"
	case CallFind:
		source = "list"
	case CallCancel:
		source = "cancel"
	}
	e := &Evidence{Source: source, RequestID: in.Answer.RequestID, At: now}
	if in.Answer.Intent != nil {
		e.Status = string(in.Answer.Intent.Status)
	}
	return e
}

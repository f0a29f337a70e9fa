package idempotency

// adopt takes over what Stripe shows and the ledger does not know: after a restore, a payment since the backup.
// Paid is paid. Anything else waits for evidence, or for the app to repeat its request; it holds its reference.
// A payment may have spare, unconfirmed intents beside the one that was charged, and the list may show those first:
// what is further along replaces an adopted intent for as long as nothing was sent for it.
//
// What is known already is left to whoever holds its work: only a worker settles (rule 10).
func adopt(r Record, in Adopt, now Instant) (Change, *Call, error) {
	i := in.Intent
	spare := i.unpaid()
	switch {
	case r.State.Negative() && !spare:
		// Reported as not charged, and Stripe shows otherwise: the report was made by a ledger that had forgotten.
		r.attend(AttentionContradiction, now)
		return withLetter(r, "this payment is final as not charged, and Stripe shows "+i.ID+" as "+string(i.Status)+": refund it, or tell the app"), nil, nil
	case r.State.Final():
		return Change{}, nil, nil
	case r.State != Absent && (r.State == Processing || r.Request != nil || len(r.Attempts) > 0):
		return remind(r, i, now)
	case r.State != Absent && (spare || i.Amount != r.Amount):
		return Change{Messages: []Message{{Operation: r.ID, Trace: r.Trace}}}, nil, nil
	case r.State == Absent && i.Status == IntentCanceled:
		return Change{}, nil, nil // nothing was charged on it and nothing will be
	case r.State == Absent:
		r = Record{
			ID: i.Payment, Tenant: i.Tenant, Kind: "charge", Fingerprint: i.Fingerprint, Amount: i.Amount,
			Reference: i.Order, AllowRepeat: i.AllowRepeat, Holds: i.Order != "" && !i.AllowRepeat, Created: i.Created,
		}
	}
	r.Intent, r.Charge, r.Card = i.ID, i.Charge, i.Card
	r.Evidence = &Evidence{Source: "list", Status: string(i.Status), At: now}
	if i.Status == IntentSucceeded {
		r.Captured = i.Received
		return r.final(Succeeded, now, "adopted_paid")
	}
	to := RetryScheduled
	switch i.Status {
	case IntentProcessing:
		to = Pending
	case IntentRequiresAction:
		to, r.NextAction = RequiresAction, i.NextAction
	}
	r.Due, r.NotBefore = now, now
	r.note(now, to, "adopted_"+string(i.Status))
	return change(r), nil, nil
}

// remind tells a record that the backup has of an intent that the backup does not: it was created before or after the
// backup and confirmed after it. With its id in the record, work goes on with that one and makes no other. Of several,
// the one that is furthest along counts, for as long as nothing was sent on the one that is stored.
func remind(r Record, i Intent, now Instant) (Change, *Call, error) {
	message := []Message{{Operation: r.ID, Trace: r.Trace}}
	if o := r.Open(); o != nil && o.OneStep && i.unpaid() {
		return Change{Messages: message}, nil, nil // it may not be the open attempt's: a look after the quiet period tells
	}
	better := r.Intent == "" || len(r.Attempts) == 0 && (i.Status == IntentSucceeded || i.Status == IntentProcessing || i.Status == IntentRequiresAction)
	if r.State == Processing || !better || r.Intent == i.ID || i.Amount != r.Amount {
		return Change{Messages: message}, nil, nil
	}
	r.Intent = i.ID
	r.note(now, r.State, "intent_restored")
	c := change(r)
	c.Messages = message
	return c, nil, nil
}

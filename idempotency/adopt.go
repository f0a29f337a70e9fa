package idempotency

// adopt takes over what Stripe shows and the ledger does not know: after a restore, a payment since the backup.
// Paid is paid. Anything else waits for evidence, or for the app to repeat its request; it holds its reference.
// A payment may have spare, unconfirmed intents beside the one that was charged, and the list may show those first:
// what is further along replaces an adopted intent for as long as nothing was sent for it.
func adopt(r Record, in Adopt, now Instant) (Change, *Call, error) {
	i := in.Intent
	spare := i.Status == IntentCanceled || i.Status == IntentRequiresPaymentMethod || i.Status == IntentRequiresConfirmation
	switch {
	case r.State.Final():
		return Change{}, nil, nil
	case r.State != Absent && (spare || r.State == Processing || len(r.Attempts) > 0 || r.Request != nil || i.Amount != r.Amount):
		// Known: whoever holds its work asks Stripe. Only a worker settles (rule 10).
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

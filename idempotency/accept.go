package idempotency

// submit is rules 1, 2 and 9: a key means one thing for ever, an existing record answers first, and a new one is
// one commit of record, reference holder and message.
func submit(r Record, in Submit, now Instant) (Change, *Call, error) {
	if r.State == Absent {
		request := in.Request
		r = Record{
			ID: in.ID, Tenant: in.Tenant, KeyHash: in.KeyHash, Kind: "charge", Fingerprint: in.Fingerprint,
			Amount: request.Amount, Reference: request.Reference, AllowRepeat: request.AllowRepeat,
			Holds: request.Reference != "" && !request.AllowRepeat, Created: now, Trace: in.Trace, Request: &request,
		}
		r.note(now, Accepted, "accepted")
		c := change(r)
		c.WriteRequest = true
		c.Messages = []Message{{Operation: r.ID, Trace: in.Trace}}
		return c, nil, nil
	}
	if r.KeyHash != in.KeyHash && r.KeyHash != [32]byte{} {
		return Change{}, nil, ErrKeyReused // another key with the same id: SHA-1 of the UUID was forced to collide
	}
	if r.Fingerprint == [32]byte{} {
		return Change{}, nil, nil // canceled before any request was seen: that is the answer for every request
	}
	if r.Fingerprint != in.Fingerprint {
		return Change{}, nil, ErrKeyReused
	}
	if r.Request == nil && !r.State.Final() {
		// Re-learned from Stripe after a restore: the app's repeat brings back what was asked for.
		request := in.Request
		r.Request, r.KeyHash, r.NotBefore = &request, in.KeyHash, 0
		r.note(now, r.State, "request_restored")
		c := change(r)
		c.WriteRequest = true
		c.Messages = []Message{{Operation: r.ID, Trace: in.Trace}}
		return c, nil, nil
	}
	if r.State == Accepted && in.Resend {
		return Change{Messages: []Message{{Operation: r.ID, Trace: r.Trace}}}, nil, nil
	}
	return stranded(r), nil, nil
}

// stranded sends the message again for a record that nobody would work on: poison took it off the queue. The app's
// repeat is a reason to try once more.
func stranded(r Record) Change {
	if r.State.Final() || r.Due != 0 || r.Attention == nil || r.State == Accepted || r.State == Processing {
		return Change{}
	}
	return Change{Messages: []Message{{Operation: r.ID, Trace: r.Trace}}}
}

// cancel stores the wish to close and sends a message: only a worker that holds a work message settles (rule 10).
// A key that no record exists for is canceled on the spot, so that an earlier, unanswered call of it cannot come
// true later (rule 2).
func cancel(r Record, in Cancel, now Instant) (Change, *Call, error) {
	switch {
	case r.State == Absent:
		r = Record{
			ID: in.ID, Tenant: in.Tenant, KeyHash: in.KeyHash, Kind: "charge", Created: now,
			// Nobody was ever told that this payment exists, so there is no outcome to tell.
			Published: true,
			Evidence:  &Evidence{Source: "request", At: now},
		}
		r.note(now, Canceled, "canceled_before_accept")
		return change(r), nil, nil
	case r.KeyHash != in.KeyHash && r.KeyHash != [32]byte{}:
		return Change{}, nil, ErrKeyReused
	case r.State == Canceled:
		return Change{}, nil, nil
	case !r.State.Final() && r.Closing != 0:
		return stranded(r), nil, nil // under way
	case r.State.Final():
		return Change{}, nil, &TooLateError{State: r.State}
	}
	r.Closing, r.NotBefore = Canceled, 0
	r.note(now, r.State, "cancel_requested")
	c := change(r)
	c.Messages = []Message{{Operation: r.ID, Trace: r.Trace}}
	return c, nil, nil
}

// wake puts a due record back on the queue (rules 10 and 12). Until the message has done its work the record
// stays due, a little later, so that a lost message is sent again.
func wake(r Record, now Instant) (Change, *Call, error) {
	if r.State == Absent || r.Due == 0 || r.Due > now {
		if r.State == Accepted {
			return Change{Messages: []Message{{Operation: r.ID, Trace: r.Trace}}}, nil, nil
		}
		return Change{}, nil, nil
	}
	r.Due = now.Add(wakeAgain)
	c := change(r)
	c.Messages = []Message{{Operation: r.ID, Trace: r.Trace}}
	return c, nil, nil
}

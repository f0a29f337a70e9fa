package idempotency

// receive decides what the holder of a work message does. It is the only door to Stripe (rule 10).
func receive(r Record, in Receive, now Instant) (Change, *Call, error) {
	switch {
	case r.State == Absent:
		return Change{}, nil, ErrOrphan
	case r.State.Final() && r.Published:
		return Change{}, nil, nil
	case r.State.Final():
		return publish(r) // rule 11
	case r.State == Processing && r.leased(in, now):
		return Change{}, nil, &NotYetError{Until: r.Lease.Until}
	case r.Closing != 0:
		return closing(r, in, now)
	case now < r.NotBefore:
		return Change{}, nil, &NotYetError{Until: r.NotBefore}
	case r.Open() != nil:
		return resume(r, in, now)
	default:
		return try(r, in, now, in.Gate != nil)
	}
}

// leased reports whether another claim is still good. A lease of another boot has ended where one process at a
// time has the store, whatever the clock says.
func (r *Record) leased(in Receive, now Instant) bool {
	if in.Boot != "" && !sameBoot(r.Lease.Owner, in.Boot) {
		return false
	}
	return now < r.Lease.Until
}

func sameBoot(owner, boot string) bool {
	return len(owner) > len(boot) && owner[:len(boot)] == boot && owner[len(boot)] == '/'
}

// publish makes the outcome of a final record durable that its settling worker did not live to publish.
func publish(r Record) (Change, *Call, error) {
	r.Published, r.Due = true, 0
	c := change(r)
	o := r.Outcome()
	c.Outcome = &o
	return c, nil, nil
}

// resume goes on with an attempt that may have charged (rules 5, 6 and 7): the same key with the same bytes while
// the key is young, else evidence. A stored 500 is never sent again: Stripe would only replay it.
func resume(r Record, in Receive, now Instant) (Change, *Call, error) {
	a := r.Open()
	waits := r.State == RequiresAction || r.State == Pending
	young := now.Since(a.FirstSent) < KeyCutoff
	// After a restore a one-step payment may have ended since the backup without a trace of its own: it asks first.
	forgotten := a.OneStep && (r.Intent != "" || in.Gate != nil)
	if waits || !young || a.answered() || r.Frozen == nil || forgotten {
		return look(r, in)
	}
	a.LastSent = now // written ahead of this send as of every other (rule 3)
	a.Sends++
	kind := CallConfirm
	if a.OneStep {
		kind = CallCreateConfirm
	}
	r.claim(in, now, "resend_same_key")
	c := change(r)
	return c, r.charge(kind), nil
}

// look asks Stripe what became of an attempt: by the stored id, else by listing around the sends.
// A look changes nothing anywhere, so it needs no claim.
func look(r Record, in Receive) (Change, *Call, error) {
	if r.Intent != "" {
		return Change{}, r.call(CallRetrieve), nil
	}
	call := r.call(CallFind)
	if a := r.Open(); a != nil {
		// A request may take effect until the quiet period is over, and the intent is created only then.
		call.From, call.To = a.FirstSent.Add(-FindMargin), a.LastSent.Add(Quiet+FindMargin)
		if in.Gate != nil { // it may have been sent again since the backup, or another payment taken its place
			call.To = max(call.To, in.Gate.To.Add(Quiet+FindMargin))
			call.AnyOfReference = r.Reference != "" && !r.AllowRepeat
		}
	}
	return Change{}, call, nil
}

// gateLook asks Stripe, after a restore, about a payment that the ledger may have forgotten charging.
func gateLook(r Record, w Window) (Change, *Call, error) {
	call := r.call(CallFind)
	// The unconfirmed create may be older than the backup: from when the payment was accepted. What was sent before
	// the restore may take effect until the quiet period is over.
	call.From, call.To = min(w.From, r.Created.Add(-FindMargin)), w.To.Add(Quiet+FindMargin)
	call.AnyOfReference = r.Reference != "" && !r.AllowRepeat
	return Change{}, call, nil
}

// try makes a new attempt. Nothing is open: no attempt was made, or the latest ended in a definite non-charge.
func try(r Record, in Receive, now Instant, gate bool) (Change, *Call, error) {
	switch {
	case r.State == RequiresAction || r.State == Pending:
		return look(r, in)
	case gate && len(r.Attempts) == 0:
		return gateLook(r, *in.Gate) // an adopted, unpaid intent may not be the only one of this payment
	case r.Request == nil:
		// Re-learned from Stripe, unpaid: it waits for the app to repeat its request.
		r.Due = 0
		r.attend(AttentionVerify, now)
		return withLetter(r, "found unpaid at Stripe after a restore; waiting for the app to submit it again"), nil, nil
	case r.Intent != "":
		return confirm(r, in, now)
	case in.Policy.OneStep && len(r.Attempts) == 0:
		return oneStep(r, in, now)
	default:
		// The intent is created unconfirmed before the claim. It moves no money and its key is stable, so that
		// workers that meet here get the same one (rule 4).
		call := r.call(CallCreate)
		call.Form = in.Encoder.CreateForm(r)
		call.APIVersion = in.Encoder.APIVersion()
		call.Key = createKey(r, call.Form)
		return Change{}, call, nil
	}
}

// confirm claims the record for a new attempt on its one PaymentIntent: fence, attempt, key, sent time and the
// intent's id in the same conditional write (rules 3 and 4). Only the stored id is ever confirmed.
func confirm(r Record, in Receive, now Instant) (Change, *Call, error) {
	return r.begin(in, now, CallConfirm, in.Encoder.ConfirmForm(r))
}

// oneStep claims the record for a create and confirm in one request.
func oneStep(r Record, in Receive, now Instant) (Change, *Call, error) {
	return r.begin(in, now, CallCreateConfirm, in.Encoder.CreateConfirmForm(r))
}

func (r *Record) begin(in Receive, now Instant, kind CallKind, form []byte) (Change, *Call, error) {
	number := 1
	if a := r.Latest(); a != nil {
		number = a.Number + 1
		if !a.Done {
			a.Done = true // the caller holds the evidence; see continueIntent
		}
	}
	r.Attempts = append(r.Attempts, Attempt{
		Number: number, Key: attemptKey(r.ID, number), FirstSent: now, LastSent: now, Sends: 1,
		OneStep: kind == CallCreateConfirm,
	})
	if len(r.Attempts) > MaxAttemptsKept {
		r.Attempts = r.Attempts[len(r.Attempts)-MaxAttemptsKept:]
	}
	r.Frozen = &Frozen{Form: form, APIVersion: in.Encoder.APIVersion(), OneStep: kind == CallCreateConfirm}
	r.Failure, r.NextAction = nil, ""
	r.claim(in, now, "claimed")
	c := change(*r)
	c.Freeze = true
	return c, r.charge(kind), nil
}

// claim takes the lease. Every arrow into processing holds the reference, or takes it in this commit (rule 9).
func (r *Record) claim(in Receive, now Instant, why string) {
	r.Fence++
	r.Lease = Lease{Owner: in.Worker, Until: now.Add(in.Policy.Lease)}
	r.Holds = r.Reference != "" && !r.AllowRepeat
	// The message in hand, or its redelivery, finishes this work.
	r.NotBefore = 0
	r.note(now, Processing, why)
}

// call is a request about r that needs no claim.
func (r *Record) call(kind CallKind) *Call {
	return &Call{
		Kind: kind, Payment: r.ID, Tenant: r.Tenant, Amount: r.Amount, Reference: r.token(), Intent: r.Intent,
		Fence: r.Fence,
	}
}

// charge is the request of the claimed attempt: the frozen bytes under the attempt's key (rule 5).
func (r *Record) charge(kind CallKind) *Call {
	a := r.Latest()
	c := r.call(kind)
	c.Key, c.Attempt, c.LeaseEnd = a.Key, a.Number, r.Lease.Until
	c.Form, c.APIVersion = r.Frozen.Form, r.Frozen.APIVersion
	return c
}

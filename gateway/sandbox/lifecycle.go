package sandbox

import "fmt"

// moment is when a step happens. begun is when its request came, which is earlier for an effect that rolls forward.
type moment struct{ begun, now int64 } // ms

// draft is a step that has not been committed: the new version of an intent, the money that moves with it, what becomes
// due, and the refusal that the client is told of. Nothing of the state has changed yet, so a draft can be dropped.
type draft struct {
	s    *Stripe
	at   moment
	seq  uint64
	pi   *intent // a copy that may be changed; nil if there is nothing to store
	paid *charge
	add  *due
	err  *apiError
}

func (s *Stripe) draftOf(pi *intent, at moment) *draft {
	d := &draft{s: s, at: at, seq: s.seq}
	if pi != nil {
		version := *pi
		d.pi = &version
	}
	return d
}

// entry is the draft as a journal entry.
func (d *draft) entry(now int64) *entry {
	return &entry{At: now, Seq: d.seq, Intent: d.pi, Paid: d.paid, Add: d.add}
}

// id draws an id of Stripe's form: a prefix and 24 letters and digits.
func (d *draft) id(prefix string) string {
	d.seq++
	return prefix + "3S" + base62(mix(d.s.seed+mix(d.seq))) + base62(mix(d.s.seed^mix(^d.seq)))
}

func (d *draft) create(account string, p *params) {
	pi := &intent{
		Account: account, Amount: p.amount, Currency: p.currency, Status: RequiresPaymentMethod,
		Created: d.at.begun, Indexed: d.at.now, Customer: p.customer, Description: p.description, Metadata: p.metadata,
		Descriptor: p.descriptor, Suffix: p.suffix, Email: p.email, Setup: p.setup, Types: p.types, Method: p.method,
		Auto: p.automatic(), NoRedirect: p.redirects == "never",
	}
	if len(pi.Types) == 0 {
		pi.Types = []string{"card"}
		if pi.Auto {
			pi.Types = []string{"card", "us_bank_account"}
		}
	}
	pi.ID = d.id("pi_")
	pi.Secret = d.id("")
	d.pi = pi
	if p.method == "" {
		return
	}
	if m := findMethod(p.method); !pi.accepts(m.Type) {
		d.refuse(wrongType(m))
		return
	}
	pi.Status = RequiresConfirmation
	if p.confirm {
		d.confirm(p)
	}
}

// refuse drops the step and tells the client why.
func (d *draft) refuse(e *apiError) { d.pi, d.paid, d.add, d.err = nil, nil, nil, e }

func wrongType(m *method) *apiError {
	return invalid("", "payment_method", "The PaymentMethod provided (%s) is not allowed for this PaymentIntent. "+
		"Please attach another PaymentMethod or include this type in payment_method_types.", m.Type)
}

// confirm is the only way to a charge but for the two that go on from it, completeAction and settle; each begins in
// a state that is left by it. So a PaymentIntent is paid at most once.
func (d *draft) confirm(p *params) {
	pi := d.pi
	switch pi.Status {
	case Succeeded:
		d.refuse(unexpectedState("You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."))
		return
	case Canceled, Processing:
		d.refuse(unexpectedState(fmt.Sprintf("You cannot confirm this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of "+
			"the following statuses may be confirmed: requires_payment_method, requires_confirmation, requires_action.", pi.Status)))
		return
	}
	if p.method != "" {
		pi.Method = p.method
	}
	if len(p.types) > 0 {
		pi.Types, pi.Auto = p.types, false
	}
	if p.email != "" {
		pi.Email = p.email
	}
	if p.setup != "" {
		pi.Setup = p.setup
	}
	if pi.Method == "" {
		d.refuse(unexpectedState("You cannot confirm this PaymentIntent because it's missing a payment method. " +
			"You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method."))
		return
	}
	m := findMethod(pi.Method)
	switch {
	case m == nil:
		d.refuse(noSuchMethod(pi.Method))
		return
	case !pi.accepts(m.Type):
		d.refuse(wrongType(m))
		return
	case pi.Auto && !pi.NoRedirect && p.returnURL == "":
		d.refuse(needsReturnURL(true))
		return
	}
	pi.ReturnURL = p.returnURL
	pi.Attempts++
	pi.LastError = nil
	switch {
	case m.needsAuth && (p.offSession || p.failAction):
		d.decline(declines["authentication_required"])
	case m.needsAuth:
		pi.Status = RequiresAction
	case m.processing:
		pi.Status = Processing
		if m.settles {
			d.seq++
			d.add = &due{
				N: d.seq, At: d.at.now + d.s.opt.SettleAfter.Milliseconds(), Kind: dueSettle, Begun: d.at.begun,
				Intent: pi.ID, Attempt: pi.Attempts,
			}
		}
	case m.decline != nil && (m.declines == 0 || pi.Attempts <= m.declines):
		d.decline(m.decline)
	default:
		d.pay()
	}
}

func (d *draft) newCharge() *charge {
	pi := d.pi
	return &charge{
		ID: d.id("ch_"), Intent: pi.ID, Account: pi.Account, Amount: pi.Amount, Currency: pi.Currency, Created: d.at.now,
		Method: pi.Method, Metadata: pi.Metadata,
	}
}

// pay moves the money. It is the only place that does.
func (d *draft) pay() {
	c := d.newCharge()
	d.pi.Charge, d.pi.Status, d.pi.LastError = c, Succeeded, nil
	d.paid = c
}

// decline refuses the card: the intent goes back to requires_payment_method and loses its payment method.
func (d *draft) decline(why *decline) {
	c := d.newCharge()
	c.Refused = &refusal{Code: why.code, DeclineCode: why.declineCode, Message: why.message, Blocked: why.blocked}
	d.err = why.cardError(d.pi.Method, c.ID)
	told := *d.err
	told.WithIntent = false
	d.pi.Charge, d.pi.Status, d.pi.LastError, d.pi.Method = c, RequiresPaymentMethod, &told, ""
}

func (d *draft) cancel(p *params) {
	pi := d.pi
	if pi.Status == Succeeded || pi.Status == Processing || pi.Status == Canceled {
		d.refuse(unexpectedState(fmt.Sprintf("You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of "+
			"the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action.", pi.Status)))
		return
	}
	pi.Status, pi.CanceledAt, pi.Reason = Canceled, d.at.now, p.reason
}

func (d *draft) completeAction(passed bool) {
	pi := d.pi
	if !passed {
		pi.LastError = &apiError{
			Status: 402, Type: typeInvalidRequest, Code: "payment_intent_authentication_failure", Method: pi.Method,
			Message: "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
		}
		pi.Status, pi.Method = RequiresPaymentMethod, ""
		return
	}
	if m := describe(pi.Method); m.afterAuth != nil {
		d.decline(m.afterAuth)
		return
	}
	d.pay()
}

func (d *draft) settle(paid bool) {
	if paid {
		d.pay()
		return
	}
	why := describe(d.pi.Method).settleFail
	if why == nil {
		why = declines["generic_decline"]
	}
	d.decline(why)
}

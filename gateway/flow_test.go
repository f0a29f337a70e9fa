package gateway_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
)

func TestTwoSteps(t *testing.T) {
	r := newRig(t)
	rec := record(1)
	a := r.want(idempotency.AnswerIntent, create(rec, "k-create"))
	i := a.Intent
	if i.Status != idempotency.IntentRequiresConfirmation || i.Payment != rec.ID || i.Tenant != "shop" || i.Order != rec.Reference ||
		i.Reference != events.ReferenceToken("shop", rec.Reference) || i.Fingerprint != rec.Fingerprint || i.Amount != rec.Amount || i.AllowRepeat {
		t.Fatalf("created %+v", i)
	}
	r.charges(0)
	again := r.want(idempotency.AnswerIntent, create(rec, "k-create"))
	if !again.Replayed || again.Intent.ID != i.ID {
		t.Fatalf("the repeat made another intent: %+v", again)
	}

	a = r.want(idempotency.AnswerIntent, confirm(rec, i.ID, "k-1"))
	if a.Intent.Status != idempotency.IntentSucceeded || a.Intent.Received != 1000 || a.Intent.Charge == "" || a.Replayed || a.Status != 200 || a.RequestID == "" || a.Began == 0 {
		t.Fatalf("confirmed %+v", a)
	}
	if c := a.Intent.Card; c == nil || c.Brand != "visa" || c.Last4 != "4242" || c.ExpMonth == 0 || c.ExpYear == 0 {
		t.Fatalf("card %+v", c)
	}
	if a := r.want(idempotency.AnswerIntent, confirm(rec, i.ID, "k-1")); !a.Replayed || a.Intent.Status != idempotency.IntentSucceeded {
		t.Fatalf("resent %+v", a)
	}
	seen := r.want(idempotency.AnswerIntent, retrieve(rec, i.ID))
	if seen.Intent.Status != idempotency.IntentSucceeded || seen.Intent.Card == nil || seen.Intent.Payment != rec.ID {
		t.Fatalf("retrieved %+v", seen.Intent)
	}
	found := r.want(idempotency.AnswerIntent, find(rec))
	if found.Intent.ID != i.ID || found.PaidIntents != 1 {
		t.Fatalf("found %+v", found)
	}
	// Too late to cancel: the answer shows that it is paid.
	if a := r.want(idempotency.AnswerUnexpectedState, cancel(rec, i.ID)); a.Intent == nil || a.Intent.Status != idempotency.IntentSucceeded {
		t.Fatalf("canceled %+v", a)
	}
	// Another attempt on a paid intent charges nothing.
	if a := r.want(idempotency.AnswerUnexpectedState, confirm(rec, i.ID, "k-2")); a.Intent.Status != idempotency.IntentSucceeded {
		t.Fatalf("confirmed twice %+v", a)
	}
	r.charges(1)
}

func TestOneStep(t *testing.T) {
	r := newRig(t)
	rec := record(2, func(r *idempotency.Record) { r.AllowRepeat = true })
	a := r.want(idempotency.AnswerIntent, createConfirm(rec, "k"))
	if a.Intent.Status != idempotency.IntentSucceeded || !a.Intent.AllowRepeat {
		t.Fatalf("%+v", a.Intent)
	}
	r.charges(1)
}

func TestDeclineThenCancel(t *testing.T) {
	r := newRig(t)
	rec := record(3, by("pm_card_chargeDeclinedInsufficientFunds"))
	id := r.want(idempotency.AnswerIntent, create(rec, "kc")).Intent.ID
	a := r.want(idempotency.AnswerDeclined, confirm(rec, id, "k1"))
	if a.Intent == nil || a.Intent.ID != id || a.Intent.Status != idempotency.IntentRequiresPaymentMethod || a.Code != "card_declined" ||
		a.DeclineCode != "insufficient_funds" || a.Failure == nil || a.Failure.NextStep == "" || a.Intent.LastError == nil {
		t.Fatalf("%+v", a)
	}
	if a.Intent.Card == nil || a.Intent.Card.Last4 != "9995" {
		t.Fatalf("card %+v", a.Intent.Card)
	}
	if a := r.want(idempotency.AnswerIntent, cancel(rec, id)); a.Intent.Status != idempotency.IntentCanceled {
		t.Fatalf("%+v", a.Intent)
	}
	if a := r.want(idempotency.AnswerUnexpectedState, confirm(rec, id, "k2")); a.Intent.Status != idempotency.IntentCanceled {
		t.Fatalf("%+v", a.Intent)
	}
	if a := r.want(idempotency.AnswerUnexpectedState, cancel(rec, id)); a.Intent.Status != idempotency.IntentCanceled {
		t.Fatalf("second cancel %+v", a.Intent)
	}
	r.charges(0)
}

func TestStates(t *testing.T) {
	r := newRig(t)
	for n, c := range []struct {
		method string
		class  idempotency.AnswerClass
		status idempotency.IntentStatus
		action string
	}{
		{"pm_card_visa", idempotency.AnswerIntent, idempotency.IntentSucceeded, ""},
		{"pm_sandbox_processing", idempotency.AnswerIntent, idempotency.IntentProcessing, ""},
		{"pm_card_authenticationRequired", idempotency.AnswerIntent, idempotency.IntentRequiresAction, "use_stripe_sdk"},
		{"pm_card_chargeDeclinedLostCard", idempotency.AnswerDeclined, idempotency.IntentRequiresPaymentMethod, ""},
	} {
		rec := record(byte(10+n), by(c.method))
		id := r.want(idempotency.AnswerIntent, create(rec, fmt.Sprint("c", n))).Intent.ID
		a := r.want(c.class, confirm(rec, id, fmt.Sprint("k", n)))
		if a.Intent.Status != c.status || a.Intent.NextAction != c.action {
			t.Errorf("%s: %+v", c.method, a.Intent)
		}
	}
}

func TestNeverAcceptable(t *testing.T) {
	r := newRig(t)
	rec := record(4, by("pm_none_such"))
	a := r.want(idempotency.AnswerInvalid, create(rec, "k"))
	if a.Code != "resource_missing" || a.Failure == nil || a.Failure.NextStep == "" {
		t.Fatalf("%+v", a)
	}
	r.want(idempotency.AnswerMissing, retrieve(rec, "pi_3NoSuchIntent0000000000"))
	r.want(idempotency.AnswerMissing, cancel(rec, "pi_3NoSuchIntent0000000000"))
	r.want(idempotency.AnswerMissing, confirm(record(4), "pi_3NoSuchIntent0000000000", "k2"))
}

func TestDrift(t *testing.T) {
	r := newRig(t)
	r.want(idempotency.AnswerIntent, create(record(5), "same"))
	r.want(idempotency.AnswerDrift, create(record(6), "same"))
}

// Each fault of the sandbox, on the confirm: what the answer is, what Stripe did, and what the same key gives then.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault   sandbox.Rule
		class   idempotency.AnswerClass
		charged int
		resent  idempotency.AnswerClass
	}{
		{sandbox.Rule{Kind: sandbox.LostAnswer}, idempotency.AnswerNone, 1, idempotency.AnswerIntent},
		{sandbox.Rule{Kind: sandbox.Reset}, idempotency.AnswerNone, 0, idempotency.AnswerIntent},
		{sandbox.Rule{Kind: sandbox.Error500Effect}, idempotency.AnswerStored500, 1, idempotency.AnswerStored500},
		{sandbox.Rule{Kind: sandbox.Error500NoEffect}, idempotency.AnswerStored500, 0, idempotency.AnswerStored500},
		{sandbox.Rule{Kind: sandbox.RateLimit}, idempotency.AnswerBusy, 0, idempotency.AnswerIntent},
		{sandbox.Rule{Kind: sandbox.LockTimeout}, idempotency.AnswerBusy, 0, idempotency.AnswerIntent},
		{sandbox.Rule{Kind: sandbox.BadGateway}, idempotency.AnswerNone, 0, idempotency.AnswerIntent},
		{sandbox.Rule{Kind: sandbox.BadGatewayEffect}, idempotency.AnswerNone, 1, idempotency.AnswerIntent},
		{sandbox.Rule{Kind: sandbox.Unavailable}, idempotency.AnswerNone, 0, idempotency.AnswerIntent},
	} {
		t.Run(string(c.fault.Kind), func(t *testing.T) {
			r := newRig(t)
			rec := record(1)
			id := r.want(idempotency.AnswerIntent, create(rec, "c")).Intent.ID
			c.fault.Endpoint, c.fault.Times = "confirm", 1
			r.faults(c.fault)
			call := confirm(rec, id, "k")
			r.want(c.class, call)
			r.charges(c.charged)
			a := r.want(c.resent, call)
			if replayed := c.charged == 1 || c.class == idempotency.AnswerStored500; a.Replayed != replayed {
				t.Errorf("replayed: %v", a.Replayed)
			}
			if c.resent == idempotency.AnswerIntent {
				r.charges(1)
			}
			stats, err := r.box.Stats()
			if err != nil {
				t.Fatal(err)
			}
			if n := stats.Requests["confirm"]; n != 2 {
				t.Errorf("%d confirms arrived for two sends", n)
			}
		})
	}
}

func TestConcurrentSends(t *testing.T) {
	r := newRig(t)
	rec := record(7)
	id := r.want(idempotency.AnswerIntent, create(rec, "c")).Intent.ID
	var wg sync.WaitGroup
	answers := make([]idempotency.Answer, 32)
	for n := range answers {
		wg.Go(func() { answers[n] = r.do(confirm(rec, id, "one-key")) })
	}
	wg.Wait()
	for _, a := range answers {
		if a.Class != idempotency.AnswerInFlight && (a.Class != idempotency.AnswerIntent || a.Intent.Status != idempotency.IntentSucceeded) {
			t.Errorf("%+v", a)
		}
	}
	r.charges(1)
}

func TestInFlight(t *testing.T) {
	r := newRig(t)
	rec := record(8)
	id := r.want(idempotency.AnswerIntent, create(rec, "c")).Intent.ID
	// The first request does not finish by itself; the end of the sandbox ends it.
	r.faults(sandbox.Rule{Kind: sandbox.Latency, DelayMS: 3_600_000, Endpoint: "confirm", Times: 1})
	first := make(chan idempotency.Answer, 1)
	go func() { first <- r.do(confirm(rec, id, "k")) }()
	for {
		stats, err := r.box.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if stats.Requests["confirm"] == 1 {
			break
		}
	}
	r.want(idempotency.AnswerInFlight, confirm(rec, id, "k"))
	if err := r.box.Close(); err != nil {
		t.Fatal(err)
	}
	if a := <-first; a.Class != idempotency.AnswerNone {
		t.Errorf("%+v", a)
	}
}

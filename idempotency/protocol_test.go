package idempotency

import (
	"errors"
	"testing"
	"time"

	"github.com/payonce/payonce/events"
)

func declined(code string) Answer {
	return Answer{
		Class: AnswerDeclined, DeclineCode: code, Code: "card_declined",
		Failure: &events.Failure{Code: "card_declined", DeclineCode: code},
		Intent:  intentIs(IntentRequiresPaymentMethod),
	}
}

func TestHappyPathTakesThreeWrites(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().expect(Accepted)
	if len(p.last.Messages) != 1 || !p.last.WriteRequest || !p.r.Holds {
		t.Fatalf("accept commits record, message and holder in one: %+v", p.last)
	}
	p.receive().calls(CallCreate)
	if !p.last.Empty() {
		t.Fatal("the unconfirmed create needs no write")
	}
	p.created().expect(Processing).calls(CallConfirm)
	if p.r.Intent != "pi_1" || !p.last.Freeze {
		t.Fatal("the claim stores intent and frozen form in its one write")
	}
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded), RequestID: "req_1", Status: 200})
	p.expect(Succeeded).callsNothing()
	if p.r.Version != 3 || p.last.Outcome == nil || !p.r.Published {
		t.Fatalf("three writes, the last with the outcome: version %d, %+v", p.r.Version, p.last.Outcome)
	}
	if p.r.Captured != testMoney.Minor {
		t.Fatalf("captured %d", p.r.Captured)
	}
	p.receive().callsNothing()
	if !p.last.Empty() {
		t.Fatal("a settled, published record leaves nothing to do")
	}
}

func TestOneStepTakesOneCall(t *testing.T) {
	p := newPlay(t, oneStepIn()).submit().receive().expect(Processing).calls(CallCreateConfirm)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded)}).expect(Succeeded)
	if p.r.Version != 3 || p.r.Intent != "pi_1" {
		t.Fatalf("version %d, intent %q", p.r.Version, p.r.Intent)
	}
}

func TestLostAnswerResendsSameKeySameBytes(t *testing.T) {
	for _, in := range []Receive{receiveIn(), oneStepIn()} {
		p := newPlay(t, in).submit().receive()
		if !in.Policy.OneStep {
			p.created()
		}
		first := *p.call
		p.answer(Answer{Class: AnswerNone}).expect(Unknown).callsNothing()
		p.after(time.Minute).receive().expect(Processing)
		if p.call.Key != first.Key || string(p.call.Form) != string(first.Form) || p.call.Kind != first.Kind {
			t.Fatalf("resent %+v after %+v", p.call, first)
		}
		if a := p.r.Latest(); a.Sends != 2 || a.LastSent == a.FirstSent || len(p.r.Attempts) != 1 {
			t.Fatalf("the resend was not written ahead: %+v", a)
		}
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded), Replayed: true}).expect(Succeeded)
	}
}

func TestOldKeyIsNeverResent(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: AnswerNone})
	p.after(KeyCutoff).receive().calls(CallRetrieve)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded)}).expect(Succeeded)

	p = newPlay(t, oneStepIn()).submit().receive().answer(Answer{Class: AnswerNone})
	p.after(KeyCutoff).receive().calls(CallFind)
	if got := At(p.now).Since(p.call.From); got != KeyCutoff+FindMargin {
		t.Fatalf("the list starts %s ago", got)
	}
	// Nothing found after the quiet period: the two steps, never a second one-step charge.
	p.answer(Answer{Class: AnswerNothing}).calls(CallCreate).created().calls(CallConfirm)
	if p.r.Latest().Number != 2 || p.call.Kind == CallCreateConfirm {
		t.Fatalf("%+v", p.r.Attempts)
	}
}

func TestLookBeforeQuietProvesNothing(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: AnswerStored500}).expect(Unknown)
	p.after(time.Minute).receive().calls(CallRetrieve)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresConfirmation)}).expect(Unknown).callsNothing()
	// A look that began before the quiet period and is judged after it proves nothing either.
	p.after(time.Hour).receive().calls(CallRetrieve)
	early := At(p.now.Add(-time.Hour))
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresConfirmation), Began: early}).expect(Unknown).callsNothing()
	p.after(time.Hour).receive().calls(CallRetrieve)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresConfirmation)}).calls(CallConfirm)
	if p.r.Latest().Number != 2 || p.call.Intent != "pi_1" {
		t.Fatal("it goes on with the same intent under the next key")
	}
}

// The 500 hid a decline. The intent shows it, and nothing but this attempt can have caused it.
func TestDeclineBehindAStored500IsSeenAtTheFirstLook(t *testing.T) {
	shown := intentIs(IntentRequiresPaymentMethod)
	shown.LastError = &events.Failure{Code: "card_declined", DeclineCode: "do_not_honor"}
	p := newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: AnswerStored500})
	p.after(time.Minute).receive().answer(Answer{Class: AnswerIntent, Intent: shown}).expect(Processing).calls(CallCancel)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Failed)

	// After an earlier decline the same sight proves nothing of the second attempt.
	p = newPlay(t, receiveIn()).submit().receive().created().answer(declined("processing_error")).after(time.Hour).receive()
	p.answer(Answer{Class: AnswerStored500}).after(time.Minute).receive().answer(Answer{Class: AnswerIntent, Intent: shown})
	p.expect(Unknown).callsNothing()
}

// Before a one-step charge has taken effect the list may show a spare intent of the same payment. It is not that charge's:
// confirmed, it would be a second one; canceled, the payment would end as not charged, and be charged later.
func TestASpareIntentIsNotTheOneStepCharge(t *testing.T) {
	spare := Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresConfirmation)}
	late := intentIs(IntentSucceeded)
	late.ID, late.Received = "pi_late", testMoney.Minor
	for name, meanwhile := range map[string]func(*play) *play{
		"seen by a look": func(p *play) *play { return p.after(time.Minute).receive().calls(CallFind).answer(spare) },
		"seen canceled": func(p *play) *play {
			return p.after(time.Minute).receive().calls(CallFind).answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)})
		},
		"seen by a sweep": func(p *play) *play { return p.step(Adopt{Intent: *spare.Intent}) },
		"cancel is wanted": func(p *play) *play {
			return p.step(Cancel{ID: testID, Tenant: "shop", KeyHash: keyHash}).after(time.Minute).receive().calls(CallFind).answer(spare)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, oneStepIn()).submit().receive().calls(CallCreateConfirm).answer(Answer{Class: AnswerStored500})
			if p = meanwhile(p).callsNothing().expect(Unknown); p.r.Intent != "" {
				t.Fatalf("%s is taken for the charge's", p.r.Intent)
			}
			p.after(Quiet).receive().calls(CallFind).answer(Answer{Class: AnswerIntent, Intent: late}).expect(Succeeded)
		})
	}
	// When a look after the quiet period still shows nothing else, the charge has not happened and will not.
	newPlay(t, oneStepIn()).submit().receive().answer(Answer{Class: AnswerStored500}).after(Quiet).receive().answer(spare).calls(CallConfirm)
}

func TestStored500IsAskedNeverResent(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: AnswerStored500})
	asked := []time.Duration{}
	last := p.now
	for range 6 {
		p.now = p.r.NotBefore.Time()
		asked = append(asked, p.now.Sub(last))
		last = p.now
		p.receive().calls(CallRetrieve).answer(Answer{Class: AnswerNone}).expect(Unknown)
	}
	want := []time.Duration{time.Minute, 4 * time.Minute, 10 * time.Minute, 45 * time.Minute, time.Hour, time.Hour}
	for i := range want {
		if asked[i] != want[i] {
			t.Fatalf("asked after %v, want %v", asked, want)
		}
	}
	if len(p.r.Attempts) != 1 || p.r.Latest().Sends != 1 {
		t.Fatalf("it was sent again: %+v", p.r.Attempts)
	}
	p.now = start.Add(VerifyAfter + time.Hour)
	p.receive().answer(Answer{Class: AnswerNone})
	if p.r.Attention == nil || p.r.Attention.Class != AttentionVerify || p.last.Letter == nil {
		t.Fatalf("in doubt for a day and nobody is told: %+v", p.r.Attention)
	}
	p.now = p.r.NotBefore.Time()
	p.receive().answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded)}).expect(Succeeded)
	if p.r.Attention != nil || p.last.Letter == nil || !p.last.Letter.Resolved {
		t.Fatal("evidence moves the payment and resolves its letter")
	}
}

// Tries that went before, here a 429 and a decline, do not put off the looks after a stored 500.
func TestLooksAfterA500BeginAtOnce(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: AnswerBusy}).after(time.Hour).receive()
	p.answer(declined("processing_error")).after(time.Hour).receive()
	p.answer(Answer{Class: AnswerStored500}).expect(Unknown)
	if wait := p.r.NotBefore.Since(At(p.now)); wait != time.Minute {
		t.Fatalf("the first look comes after %s", wait)
	}
}

func TestNotProcessedClearsOnlyTheOnlySend(t *testing.T) {
	for _, class := range []AnswerClass{AnswerBusy, AnswerRefused, AnswerNotSent} {
		p := newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: class}).expect(RetryScheduled)
		if len(p.r.Attempts) != 0 {
			t.Fatalf("%s: the attempt was its only send and is not cleared", class)
		}
		p = newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: AnswerNone})
		p.after(time.Hour).receive().answer(Answer{Class: class}).expect(Unknown)
		if p.r.Open() == nil {
			t.Fatalf("%s on a resend cleared an attempt whose first send is open", class)
		}
	}
}

func TestDeclineClosesAtStripeBeforeFailed(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(declined("do_not_honor")).expect(Processing).calls(CallCancel)
	if p.r.Closing != Failed || !p.r.Latest().Done {
		t.Fatal("the decline is stored before the close is sent")
	}
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Failed)
	if p.r.Failure == nil || p.r.Failure.DeclineCode != "do_not_honor" || p.r.Holds {
		t.Fatalf("%+v", p.r)
	}
}

func TestCloseThatFindsItPaidIsPaid(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(declined("do_not_honor")).calls(CallCancel)
	p.answer(Answer{Class: AnswerUnexpectedState, Intent: intentIs(IntentSucceeded)}).expect(Succeeded)
	if p.r.Failure != nil {
		t.Fatal("a paid payment has no failure")
	}
}

func TestCloseWithoutAnswerIsRepeated(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(declined("do_not_honor"))
	p.answer(Answer{Class: AnswerNone}).expect(RetryScheduled) // the decline itself is certain
	p.after(time.Minute).receive().calls(CallCancel)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Failed)
}

func TestRetryableDeclineGoesToTheSameIntent(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created()
	first := p.call.Key
	p.answer(declined("processing_error")).expect(RetryScheduled)
	p.after(time.Hour).receive().calls(CallConfirm)
	if p.call.Key == first || p.call.Intent != "pi_1" || len(p.r.Attempts) != 2 {
		t.Fatalf("%+v", p.call)
	}
	p.answer(declined("processing_error")).after(time.Hour).receive().answer(declined("processing_error"))
	p.expect(Processing).calls(CallCancel) // three attempts are all there are
}

func TestTakeoverOfAMaybeSentAttempt(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().calls(CallConfirm)
	stale := *p.call
	if _, _, err := Next(p.r, p.in, p.now); !errors.As(err, new(*NotYetError)) {
		t.Fatalf("a live lease was taken: %v", err)
	}
	other := receiveIn()
	other.Worker = "b2/w9"
	if _, _, err := Next(p.r, other, p.now); !errors.As(err, new(*NotYetError)) {
		t.Fatalf("a live lease of another process was taken: %v", err)
	}
	// The lease has ended: unknown, not free. The same key again.
	p.after(2 * time.Minute)
	p.in = other
	p.receive().calls(CallConfirm)
	if p.call.Key != stale.Key || p.r.Latest().Sends != 2 {
		t.Fatalf("a takeover must keep the key: %+v", p.call)
	}
	// The stale worker's answer is refused.
	_, _, err := Next(p.r, Answered{Receive: receiveIn(), Call: stale, Answer: Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded)}}, p.now)
	if !errors.Is(err, ErrNotOwner) {
		t.Fatalf("a stale owner settled: %v", err)
	}
}

func TestLeaseOfADeadBootHasEnded(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created()
	p.in = Receive{Worker: "b2/w1", Boot: "b2", Policy: DefaultPolicy(), Encoder: plainEncoder{}}
	p.receive().calls(CallConfirm)
	if p.r.Latest().Sends != 2 {
		t.Fatal("the attempt of the dead process may have been sent")
	}
}

func TestCancel(t *testing.T) {
	c := Cancel{ID: testID, Tenant: "shop", KeyHash: keyHash}
	t.Run("of an unknown key stores canceled, and a late submit finds it", func(t *testing.T) {
		p := newPlay(t, receiveIn()).step(c).expect(Canceled)
		if p.last.Outcome != nil || !p.r.Published {
			t.Fatal("nobody was told of it, so there is no outcome")
		}
		p.submit().callsNothing().expect(Canceled)
		if !p.last.Empty() {
			t.Fatal("a late submit changed it")
		}
	})
	t.Run("of a payment never sent needs no call", func(t *testing.T) {
		p := newPlay(t, receiveIn()).submit().step(c).expect(Accepted).callsNothing()
		p.receive().expect(Canceled).callsNothing()
	})
	t.Run("beside a claim counts at its settle", func(t *testing.T) {
		p := newPlay(t, receiveIn()).submit().receive().created()
		call := *p.call
		p.step(c).expect(Processing)
		p.call = &call
		p.answer(Answer{Class: AnswerNone}).expect(Unknown)
		p.after(time.Minute).receive().calls(CallCancel)
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Canceled)
	})
	t.Run("that comes too late", func(t *testing.T) {
		p := newPlay(t, receiveIn()).submit().receive().created()
		call := *p.call
		p.step(c)
		p.call = &call
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded)}).expect(Succeeded)
		_, _, err := Next(p.r, c, p.now)
		var late *TooLateError
		if !errors.As(err, &late) || late.State != Succeeded {
			t.Fatalf("%v", err)
		}
	})
	t.Run("while the payer has to act", func(t *testing.T) {
		p := newPlay(t, receiveIn()).submit().receive().created()
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresAction)}).expect(RequiresAction)
		p.step(c).receive().calls(CallCancel)
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Canceled)
	})
}

func TestKeyMeansOneThing(t *testing.T) {
	p := newPlay(t, receiveIn()).submit()
	other := submitIn()
	other.Fingerprint = [32]byte{9}
	if _, _, err := Next(p.r, other, p.now); !errors.Is(err, ErrKeyReused) {
		t.Fatalf("%v", err)
	}
	again := submitIn()
	again.Resend = true
	if c, _, err := Next(p.r, again, p.now); err != nil || c.Record != nil || len(c.Messages) != 1 {
		t.Fatalf("a repeat of a never-claimed record sends its message: %+v %v", c, err)
	}
}

func TestRequiresActionIsWatchedAndEnds(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created()
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresAction)}).expect(RequiresAction)
	if p.last.Outcome == nil {
		t.Fatal("the app is told that its payer must act")
	}
	p.after(time.Hour).receive().calls(CallRetrieve)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresAction)}).expect(RequiresAction)
	if p.last.Outcome != nil {
		t.Fatal("nothing new, nothing to tell")
	}
	// The payer fails the authentication: a definite decline, so it is closed.
	failed := intentIs(IntentRequiresPaymentMethod)
	failed.LastError = &events.Failure{Code: "payment_intent_authentication_failure"}
	q := *p
	q.after(time.Hour).receive().answer(Answer{Class: AnswerIntent, Intent: failed}).calls(CallCancel)
	q.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Failed)
	// Or never comes back.
	p.after(25 * time.Hour).receive().answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresAction)}).calls(CallCancel)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Failed)
	if p.r.Failure.Code != "authentication_timeout" {
		t.Fatalf("%+v", p.r.Failure)
	}
}

func TestHeldReferenceSupersedes(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created()
	p.answer(declined("processing_error")).after(time.Hour)
	c, _, err := Next(p.r, p.in, p.now)
	if err != nil || c.Record.State != Processing {
		t.Fatal(err)
	}
	// Its commit was refused: another live payment holds the reference.
	p.step(Held{Receive: p.in, Holder: Record{ID: otherID}}).calls(CallCancel)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Superseded)
}

func TestGateAsksBeforeAFirstSend(t *testing.T) {
	in := receiveIn()
	in.Gate = &Window{From: At(start.Add(-time.Hour)), To: At(start)}
	t.Run("paid since the backup", func(t *testing.T) {
		p := newPlay(t, in).submit().receive().calls(CallFind)
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded), PaidIntents: 1}).expect(Succeeded)
		if len(p.r.Attempts) != 0 {
			t.Fatal("it was sent")
		}
	})
	t.Run("the purchase was paid by a payment that was forgotten", func(t *testing.T) {
		p := newPlay(t, in).submit().receive().answer(Answer{Class: AnswerOther, Intent: other(IntentSucceeded)}).expect(Superseded).callsNothing()
		if p.r.Holds {
			t.Fatal("it holds the reference")
		}
	})
	t.Run("and an open intent of this payment is closed first", func(t *testing.T) {
		p := newPlay(t, in).submit().receive()
		p.answer(Answer{Class: AnswerOther, Intent: other(IntentSucceeded), Own: intentIs(IntentRequiresConfirmation)}).expect(Processing).calls(CallCancel)
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Superseded)
	})
	t.Run("another payment of the purchase is on its way", func(t *testing.T) {
		newPlay(t, in).submit().receive().answer(Answer{Class: AnswerOther, Intent: other(IntentProcessing)}).expect(Superseded)
	})
	t.Run("another payment was accepted after this one, so this one had ended", func(t *testing.T) {
		in := receiveIn()
		in.Gate = &Window{From: At(start.Add(time.Hour)), To: At(start.Add(2 * time.Hour))}
		later := other(IntentRequiresConfirmation)
		later.Created = At(start.Add(90 * time.Minute))
		newPlay(t, in).submit().after(2 * time.Hour).receive().answer(Answer{Class: AnswerOther, Intent: later}).expect(Superseded)
	})
	t.Run("another payment of the purchase may still be charged: wait until it is quiet", func(t *testing.T) {
		p := newPlay(t, in).submit().receive().answer(Answer{Class: AnswerOther, Intent: other(IntentRequiresConfirmation)})
		p.expect(RetryScheduled).callsNothing()
		p.after(Quiet).receive().answer(Answer{Class: AnswerOther, Intent: other(IntentRequiresConfirmation)}).calls(CallCreate)
		p = newPlay(t, in).submit().after(Quiet).receive()
		p.answer(Answer{Class: AnswerOther, Intent: other(IntentRequiresConfirmation), Own: intentIs(IntentRequiresConfirmation)}).calls(CallConfirm)
	})
	t.Run("found unpaid: go on with that one", func(t *testing.T) {
		p := newPlay(t, in).submit().receive()
		p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresConfirmation)}).calls(CallConfirm)
	})
	t.Run("nothing: as usual", func(t *testing.T) {
		newPlay(t, in).submit().receive().answer(Answer{Class: AnswerNothing}).calls(CallCreate)
	})
	t.Run("in one step nothing counts only when it is quiet", func(t *testing.T) {
		one := in
		one.Policy.OneStep = true
		p := newPlay(t, one).submit().receive().answer(Answer{Class: AnswerNothing}).expect(RetryScheduled).callsNothing()
		p.after(Quiet).receive().calls(CallFind).answer(Answer{Class: AnswerNothing}).calls(CallCreateConfirm)
	})
	t.Run("Stripe down is not nothing", func(t *testing.T) {
		newPlay(t, in).submit().receive().answer(Answer{Class: AnswerNone}).expect(RetryScheduled).callsNothing()
	})
}

// other is an intent of another payment for the same purchase.
func other(status IntentStatus) *Intent {
	return &Intent{ID: "pi_other", Status: status, Amount: testMoney, Payment: otherID, Tenant: "shop"}
}

// A cancel before the gate closes could have stored "canceled" for a payment that Stripe shows as charged.
// An adopted debit fails while the gate is open. It is closed at once; asking by list and by id in turns, each time with
// the same answers, would never end.
func TestAdoptedDebitThatFailsIsClosed(t *testing.T) {
	in := receiveIn()
	in.Gate = &Window{From: At(start), To: At(start)}
	i := *intentIs(IntentProcessing)
	i.Fingerprint = print1
	p := newPlay(t, in).step(Adopt{Intent: i}).expect(Pending).receive().calls(CallRetrieve)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresPaymentMethod)}).expect(Processing).calls(CallCancel)
	p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentCanceled)}).expect(Failed)
}

func TestAdoptContradictionIsShown(t *testing.T) {
	p := newPlay(t, receiveIn()).step(Cancel{ID: testID, Tenant: "shop", KeyHash: keyHash}).expect(Canceled)
	p.step(Adopt{Intent: *intentIs(IntentSucceeded)}).expect(Canceled)
	if p.r.Attention == nil || p.r.Attention.Class != AttentionContradiction || p.last.Letter == nil {
		t.Fatalf("%+v", p.r.Attention)
	}
}

// Poison in the middle of a close leaves nobody who works on it; the app's repeat puts it back.
func TestPoisonIsWokenByARepeat(t *testing.T) {
	wish := Cancel{ID: testID, Tenant: "shop", KeyHash: keyHash}
	p := newPlay(t, receiveIn()).submit().step(wish).step(Poisoned{Receives: 30}).expect(RetryScheduled)
	for _, in := range []Input{wish, submitIn()} {
		if c, _, err := Next(p.r, in, p.now); err != nil || len(c.Messages) != 1 {
			t.Fatalf("%T: %+v %v", in, c, err)
		}
	}
	p.receive().expect(Canceled)
}

func TestAdopt(t *testing.T) {
	i := *intentIs(IntentSucceeded)
	i.Received, i.Order, i.Fingerprint = 1250, "order-1", print1
	p := newPlay(t, receiveIn()).step(Adopt{Intent: i}).expect(Succeeded)
	if !p.r.Holds || p.r.Captured != 1250 || p.last.Outcome == nil {
		t.Fatalf("%+v", p.r)
	}
	p.submit().callsNothing().expect(Succeeded) // the app repeats: answered by the record
	if !p.last.Empty() {
		t.Fatal("the repeat changed it")
	}
	i.Status = IntentRequiresPaymentMethod
	p = newPlay(t, receiveIn()).step(Adopt{Intent: i}).expect(RetryScheduled)
	p.receive().callsNothing()
	if p.r.Attention == nil {
		t.Fatal("found unpaid and nobody sees it")
	}
	p.submit().receive().calls(CallConfirm) // the app repeats: its request is back, the same intent goes on
}

// A create that was answered 500 leaves a spare intent. The list shows it before the one that was charged.
func TestAdoptPrefersThePaidIntent(t *testing.T) {
	spare := *intentIs(IntentRequiresConfirmation)
	spare.ID, spare.Fingerprint, spare.Order = "pi_spare", print1, "order-1"
	paid := spare
	paid.ID, paid.Status, paid.Received = "pi_paid", IntentSucceeded, 1250

	p := newPlay(t, receiveIn()).step(Adopt{Intent: spare}).expect(RetryScheduled)
	p.step(Adopt{Intent: paid}).expect(Succeeded)
	if p.r.Intent != "pi_paid" {
		t.Fatal(p.r.Intent)
	}

	// The app repeats its request between the two: while the gate is open the worker asks first.
	in := receiveIn()
	in.Gate = &Window{From: At(start), To: At(start)}
	p = newPlay(t, in).step(Adopt{Intent: spare}).submit().receive().calls(CallFind)
	p.answer(Answer{Class: AnswerIntent, Intent: &paid, PaidIntents: 1}).expect(Succeeded)
	if len(p.r.Attempts) != 0 || p.r.Intent != "pi_paid" {
		t.Fatalf("%+v", p.r)
	}
}

func TestDuplicateChargeIsShown(t *testing.T) {
	p := newPlay(t, oneStepIn()).submit().receive().answer(Answer{Class: AnswerNone})
	p.after(KeyCutoff).receive().answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded), PaidIntents: 2}).expect(Succeeded)
	if p.r.Attention == nil || p.r.Attention.Class != AttentionDuplicate || p.last.Letter == nil {
		t.Fatal("two charges and nobody is told")
	}
}

func TestPoisonKeepsWhatIsKnown(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().step(Poisoned{Receives: 21}).expect(Unknown)
	if p.r.Attention == nil || !p.r.Holds || p.last.Letter == nil {
		t.Fatalf("%+v", p.r)
	}
	newPlay(t, receiveIn()).submit().step(Poisoned{Receives: 21}).expect(RetryScheduled)
}

func TestHistoryChainShowsAnEdit(t *testing.T) {
	p := newPlay(t, receiveIn()).submit().receive().created().answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentSucceeded)})
	p.r.History[1].Why = "edited"
	if err := p.r.VerifyHistory(); !errors.Is(err, ErrHistory) {
		t.Fatalf("%v", err)
	}
}

package workers_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/gateway/sandbox"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/workers"
)

// charges is what the sandbox counted by itself.
func (s *stage) charges(want int) {
	s.t.Helper()
	stats := s.stripe.Stats(s.now)
	if stats.Charges != want || stats.PerPayment.Max > 1 || stats.PerReference.Max > 1 {
		s.t.Fatalf("%d charges, want %d; at most %d per payment, %d per reference",
			stats.Charges, want, stats.PerPayment.Max, stats.PerReference.Max)
	}
}

// both runs a test in two steps and in one, on an engine in memory and on the embedded one.
func both(t *testing.T, test func(t *testing.T, s *stage)) {
	for _, one := range []bool{false, true} {
		t.Run(fmt.Sprintf("memory/one_step=%t", one), func(t *testing.T) { test(t, newStage(t, memoryEngine(false), one)) })
		t.Run(fmt.Sprintf("embedded/one_step=%t", one), func(t *testing.T) { test(t, newStage(t, embeddedEngine, one)) })
	}
}

// loseEveryAnswer makes Stripe charge and never say so.
func (s *stage) loseEveryAnswer() {
	s.transport(func(r *http.Request) sandbox.Fault {
		if r.Method == http.MethodPost {
			return sandbox.Fault{Kind: sandbox.LostAnswer}
		}
		return sandbox.Fault{Kind: sandbox.Unavailable}
	})
}

func TestLostAnswersAreOneCharge(t *testing.T) {
	both(t, func(t *testing.T, s *stage) {
		if !s.one { // let the create be answered, so that the confirm is what gets lost
			s.transport(loseConfirms)
		} else {
			s.loseEveryAnswer()
		}
		id := s.submit("key", body("pm_card_visa"))
		for range 5 {
			s.work()
			s.pass(time.Minute)
		}
		s.charges(1)
		s.transport(nil)
		if r := s.settle(id); r.State != idempotency.Succeeded {
			t.Fatalf("%s", r.State)
		}
		s.charges(1)
	})
}

func loseConfirms(r *http.Request) sandbox.Fault {
	if strings.HasSuffix(r.URL.Path, "/confirm") {
		return sandbox.Fault{Kind: sandbox.LostAnswer}
	}
	return sandbox.Fault{}
}

// The usual queues charge again here: the answers were lost, the retries go on past a day, and Stripe has forgotten.
func TestForgottenKeysAreOneCharge(t *testing.T) {
	both(t, func(t *testing.T, s *stage) {
		if s.one {
			s.loseEveryAnswer()
		} else {
			s.transport(loseConfirms)
		}
		id := s.submit("key", body("pm_card_visa"))
		s.work()
		s.charges(1)
		s.transport(func(*http.Request) sandbox.Fault { return sandbox.Fault{Kind: sandbox.Unavailable} })
		for range 30 { // an outage of more than a day, with the workers trying all along
			s.pass(time.Hour)
			s.work()
		}
		s.stripe.Forget(s.now)
		s.transport(nil)
		if r := s.settle(id); r.State != idempotency.Succeeded {
			t.Fatalf("%s: %+v", r.State, r.Attempts)
		}
		s.charges(1)
	})
}

// A worker sleeps for 25 hours between its claim and its request. Others charge meanwhile, Stripe forgets.
func TestFrozenWorkerIsOneCharge(t *testing.T) {
	both(t, func(t *testing.T, s *stage) {
		id := s.submit("key", body("pm_card_visa"))
		frozen := s.freeze()
		if r, err := s.engine.Load(context.Background(), id); err != nil || r.State != idempotency.Processing {
			t.Fatalf("the frozen worker has not claimed: %v %s", err, r.State)
		}
		s.pass(25 * time.Hour)
		s.boots++
		if r := s.settle(id); r.State != idempotency.Succeeded {
			t.Fatalf("%s", r.State)
		}
		s.stripe.Forget(s.now)
		for !frozen.Step(context.Background()) { // it wakes up and goes on
		}
		s.charges(1)
	})
}

// Worse: it slept after its last look at the clock, so that the bytes themselves reach Stripe 25 hours late, under a
// key that Stripe has forgotten. Only two steps promise anything here; docs/guarantees.md says so.
func TestBytesThatLeaveADayLateAreOneCharge(t *testing.T) {
	for name, open := range map[string]func(*stage) engine{"memory": memoryEngine(false), "embedded": embeddedEngine} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, open, false)
			s.transport(func(r *http.Request) sandbox.Fault {
				if strings.HasSuffix(r.URL.Path, "/confirm") {
					s.transport(nil)
					return sandbox.Fault{Kind: sandbox.LateEffect, Delay: 25 * time.Hour}
				}
				return sandbox.Fault{}
			})
			id := s.submit("key", body("pm_card_visa"))
			s.work()
			s.charges(0)
			s.pass(24 * time.Hour) // nobody works; the key grows old
			s.stripe.Forget(s.now)
			if r := s.settle(id); r.State != idempotency.Succeeded {
				t.Fatalf("%s", r.State)
			}
			s.charges(1)
			s.stripe.Forget(s.now)
			s.pass(48 * time.Hour) // the late bytes arrive
			s.charges(1)
		})
	}
}

// A decline is reported only after the intent is closed: bytes that come late find it canceled.
func TestLateBytesAfterFailedAreNoCharge(t *testing.T) {
	s := newStage(t, memoryEngine(false), false)
	id := s.submit("key", body("pm_card_chargeDeclined"))
	r := s.settle(id)
	if r.State != idempotency.Failed {
		t.Fatal(r.State)
	}
	late := r.Latest()
	call := idempotency.Call{
		Kind: idempotency.CallConfirm, Payment: id, Intent: r.Intent, Key: late.Key + "-late", APIVersion: r.Frozen.APIVersion,
		Form: []byte("payment_method=pm_card_visa"),
	}
	if a := s.pay.Do(context.Background(), call); a.Class != idempotency.AnswerUnexpectedState {
		t.Fatalf("%s", a.Class)
	}
	s.charges(0)
}

// freeze runs one task up to the request that its claim is for, and leaves it there.
func (s *stage) freeze() *workers.Task {
	s.t.Helper()
	ctx := context.Background()
	policy := idempotency.DefaultPolicy()
	policy.OneStep = s.one
	desk := &workers.Desk{
		Ledger: s, Queue: s, Stripe: s.pay, Now: func() time.Time { return s.now }, CallTimeout: 30 * time.Second, PoisonAfter: 100,
		Logger: slog.New(slog.DiscardHandler),
		Receive: func(context.Context, idempotency.Record) (idempotency.Receive, error) {
			return idempotency.Receive{Worker: "frozen/w", Policy: policy, Encoder: s.pay.Forms()}, nil
		},
	}
	got, err := s.engine.Receive(ctx, 1, time.Minute)
	if err != nil {
		s.t.Fatal(err)
	}
	task := workers.NewTask(desk, got[0])
	for task.Doing() != "confirm" && task.Doing() != "create_confirm" {
		if task.Step(ctx) {
			s.t.Fatal("the task ended before its claim")
		}
	}
	return task
}

// One purchase, two keys, at the worst time: the first is in doubt when the payer presses pay again.
func TestSecondPaymentWhileTheFirstIsInDoubt(t *testing.T) {
	both(t, func(t *testing.T, s *stage) {
		if s.one {
			s.loseEveryAnswer()
		} else {
			s.transport(loseConfirms)
		}
		first := s.submit("key-1", body("pm_card_visa"))
		s.work()
		key, err := events.ParseKey([]string{"key-2"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.desk().Submit(context.Background(), "shop", key, []byte(body("pm_card_visa")), ""); err == nil {
			t.Fatal("a second payment was accepted for a purchase whose first is in doubt")
		}
		s.transport(nil)
		if r := s.settle(first); r.State != idempotency.Succeeded {
			t.Fatal(r.State)
		}
		s.charges(1)
	})
}

// The machine's clock is set back an hour while a payment is in doubt, and again before its next try.
func TestClockBackAnHour(t *testing.T) {
	both(t, func(t *testing.T, s *stage) {
		if s.one {
			s.loseEveryAnswer()
		} else {
			s.transport(loseConfirms)
		}
		id := s.submit("key", body("pm_card_visa"))
		s.work()
		s.charges(1)
		for range 2 {
			s.pass(-time.Hour)
			s.boots++ // a restart beside it: leases and delays of the future are in the file
			s.engine = s.reopen(s)
			s.work()
		}
		s.transport(nil)
		if r := s.settle(id); r.State != idempotency.Succeeded {
			t.Fatal(r.State)
		}
		s.charges(1)
	})
}

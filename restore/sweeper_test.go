package restore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payonce/payonce/engine/memory"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
	"github.com/payonce/payonce/restore"
)

const tenant = "shop"

func id(n byte) events.ID { return events.ID{15: n} }

// intent is what Stripe shows of payment n for an order.
func intent(n byte, order string, status idempotency.IntentStatus) idempotency.Intent {
	i := idempotency.Intent{
		ID: fmt.Sprintf("pi_%d", n), Status: status, Amount: events.Money{Minor: 1000, Currency: "EUR"},
		Created: idempotency.At(time.Now()), Payment: id(n), Tenant: tenant, Order: order,
		Reference: events.ReferenceToken(tenant, order),
	}
	if status == idempotency.IntentSucceeded {
		i.Received, i.Charge = 1000, fmt.Sprintf("ch_%d", n)
	}
	return i
}

// stripe lists intents; before each walk it may be made to fail.
type stripe struct {
	intents []idempotency.Intent
	fail    func(walk int) error
	began   []time.Time
	windows []idempotency.Window
}

func (s *stripe) sweep(_ context.Context, w idempotency.Window, yield func(idempotency.Intent) error) error {
	s.began = append(s.began, time.Now())
	s.windows = append(s.windows, w)
	for _, i := range s.intents {
		if err := yield(i); err != nil {
			return err
		}
	}
	if s.fail != nil {
		return s.fail(len(s.began))
	}
	return nil
}

type fixture struct {
	store  *memory.Store
	stripe *stripe
	closed *time.Time
	window idempotency.Window
}

func newFixture(t *testing.T, intents ...idempotency.Intent) (*fixture, *restore.Sweeper) {
	t.Helper()
	now := time.Now()
	f := &fixture{
		stripe: &stripe{intents: intents}, closed: new(time.Time),
		window: idempotency.Window{From: idempotency.At(now.Add(-time.Hour)), To: idempotency.At(now)},
	}
	f.store = memory.Open(memory.Config{Gate: &f.window})
	s, err := restore.New(restore.Config{
		Ledger: f.store, Sweep: f.stripe.sweep, Window: f.window, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Close: func(ctx context.Context) error { *f.closed = time.Now(); return f.store.CloseGate(ctx) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

// accept stores a payment as an app's submit would.
func (f *fixture) accept(t *testing.T, n byte, order string) idempotency.Record {
	t.Helper()
	c, _, err := idempotency.Next(idempotency.Record{}, idempotency.Submit{
		ID: id(n), Tenant: tenant, KeyHash: [32]byte{n}, Fingerprint: [32]byte{n},
		Request: events.Payment{Amount: events.Money{Minor: 1000, Currency: "EUR"}, PaymentMethod: "pm_x", Reference: order},
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return *c.Record
}

func (f *fixture) state(t *testing.T, n byte) idempotency.State {
	t.Helper()
	r, err := f.store.Load(t.Context(), id(n))
	if errors.Is(err, idempotency.ErrNotFound) {
		return idempotency.Absent
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.State
}

func TestForgottenPaymentsAreAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tests := []struct {
			status idempotency.IntentStatus
			want   idempotency.State
		}{
			{idempotency.IntentSucceeded, idempotency.Succeeded},
			{idempotency.IntentProcessing, idempotency.Pending},
			{idempotency.IntentRequiresAction, idempotency.RequiresAction},
			{idempotency.IntentRequiresConfirmation, idempotency.RetryScheduled},
			{idempotency.IntentRequiresPaymentMethod, idempotency.RetryScheduled},
			{idempotency.IntentCanceled, idempotency.Absent},
		}
		var intents []idempotency.Intent
		for n, tt := range tests {
			intents = append(intents, intent(byte(n+1), fmt.Sprintf("order-%d", n), tt.status))
		}
		strange := intent(99, "x", idempotency.IntentSucceeded)
		strange.Payment = events.ID{}
		f, s := newFixture(t, append(intents, strange)...)
		round, err := s.Round(t.Context())
		if err != nil || round.Seen != 6 || round.Adopted != 5 || round.Waiting != 0 {
			t.Fatalf("%+v, %v", round, err)
		}
		for n, tt := range tests {
			if got := f.state(t, byte(n+1)); got != tt.want {
				t.Errorf("%s was adopted as %s, want %s", tt.status, got, tt.want)
			}
		}
		if round, err = s.Round(t.Context()); err != nil || round.Adopted != 0 {
			t.Errorf("the second walk: %+v, %v", round, err)
		}
		feed, err := f.store.Events(t.Context(), tenant, 0, 10)
		if err != nil || len(feed.Events) != 1 || feed.Events[0].Outcome.State != "succeeded" {
			t.Errorf("outcomes: %+v, %v", feed.Events, err)
		}
	})
}

// TestTheGateClosesAfterTheQuietPeriod: a walk that is complete but began too early does not close it; one that failed
// does not either.
func TestTheGateClosesAfterTheQuietPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFixture(t, intent(1, "a", idempotency.IntentSucceeded))
		restored := time.Now()
		f.stripe.fail = func(walk int) error {
			if walk == 1 || walk == 3 {
				return errors.New("Stripe is down")
			}
			return nil
		}
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		last := f.stripe.began[len(f.stripe.began)-1]
		if last.Sub(restored) < idempotency.Quiet || len(f.stripe.began) != 4 {
			t.Errorf("%d walks, the last %s after the restore", len(f.stripe.began), last.Sub(restored))
		}
		if f.closed.Before(last) {
			t.Error("the gate was closed before the last walk")
		}
		if gate, err := f.store.Gate(t.Context()); gate != nil || err != nil {
			t.Errorf("the gate is %v, %v", gate, err)
		}
		for _, w := range f.stripe.windows {
			if w.From != f.window.From || w.To != f.window.To.Add(idempotency.Quiet) {
				t.Errorf("walked over %v", w)
			}
		}
	})
}

func TestTheGateStaysOpenWhenStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFixture(t)
		ctx, cancel := context.WithTimeout(t.Context(), idempotency.Quiet-time.Minute)
		defer cancel()
		if err := s.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if gate, _ := f.store.Gate(t.Context()); gate == nil {
			t.Error("the gate was closed")
		}
	})
}

// TestAPaidIntentWaitsForTheHolder: the backup knows payment 1 for the order as open; since then it ended and 2 paid.
func TestAPaidIntentWaitsForTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFixture(t, intent(2, "order", idempotency.IntentSucceeded))
		holder := f.accept(t, 1, "order")
		if d, err := f.store.TryReceive(1, time.Hour); err != nil || len(d) != 1 {
			t.Fatal("the accept sent no message", err)
		}
		round, err := s.Round(t.Context())
		if err != nil || round.Waiting != 1 || round.Adopted != 0 {
			t.Fatalf("%+v, %v", round, err)
		}
		d, err := f.store.TryReceive(1, time.Hour)
		if err != nil || len(d) != 1 || d[0].Operation != holder.ID {
			t.Fatalf("the holder was not asked: %v, %v", d, err)
		}
		// Its worker finds at Stripe that another payment paid the order.
		holder.Holds, holder.State, holder.Version = false, idempotency.Superseded, holder.Version+1
		if err := f.store.Commit(t.Context(), idempotency.Change{Record: &holder, Expect: holder.Version - 1}); err != nil {
			t.Fatal(err)
		}
		round, err = s.Round(t.Context())
		if err != nil || round.Waiting != 0 || round.Adopted != 1 || f.state(t, 2) != idempotency.Succeeded {
			t.Fatalf("%+v, %v, %s", round, err, f.state(t, 2))
		}
	})
}

func TestWaitingKeepsTheGateOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFixture(t, intent(2, "order", idempotency.IntentSucceeded))
		f.accept(t, 1, "order")
		ctx, cancel := context.WithTimeout(t.Context(), 3*idempotency.Quiet)
		defer cancel()
		if err := s.Run(ctx); !errors.Is(err, context.DeadlineExceeded) || !f.closed.IsZero() {
			t.Errorf("ended with %v, closed %s", err, f.closed)
		}
	})
}

// TestAnUnpaidIntentOfAHeldPurchaseIsLeft: only its app's repeat could go on with it.
func TestAnUnpaidIntentOfAHeldPurchaseIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFixture(t, intent(2, "order", idempotency.IntentRequiresConfirmation))
		f.accept(t, 1, "order")
		if round, err := s.Round(t.Context()); err != nil || round.Waiting != 0 || round.Adopted != 0 || f.state(t, 2) != idempotency.Absent {
			t.Errorf("%+v, %v", round, err)
		}
	})
}

// TestTwoPaidIntentsOfAPurchaseBecomeALetter: nothing can be adopted, and a person is told.
func TestTwoPaidIntentsOfAPurchaseBecomeALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFixture(t, intent(1, "order", idempotency.IntentSucceeded), intent(2, "order", idempotency.IntentSucceeded))
		round, err := s.Round(t.Context())
		if err != nil || round.Adopted != 1 || round.Waiting != 0 {
			t.Fatalf("%+v, %v", round, err)
		}
		page, err := f.store.Letters(t.Context(), read.LetterFilter{Open: true})
		if err != nil || len(page.Letters) != 1 || page.Letters[0].Class != idempotency.AttentionDuplicate || page.Letters[0].Operation != id(2) {
			t.Errorf("letters: %+v, %v", page.Letters, err)
		}
	})
}

// TestKnownPaymentsAreAskedAgain: an open record whose intent Stripe shows gets a message, a final one nothing.
func TestKnownPaymentsAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := newFixture(t, intent(1, "order", idempotency.IntentSucceeded))
		f.accept(t, 1, "order")
		if _, err := f.store.TryReceive(1, time.Hour); err != nil {
			t.Fatal(err)
		}
		if round, err := s.Round(t.Context()); err != nil || round.Adopted != 0 {
			t.Fatalf("%+v, %v", round, err)
		}
		if d, err := f.store.TryReceive(1, time.Hour); err != nil || len(d) != 1 {
			t.Errorf("no message was sent: %v", err)
		}
	})
}

// TestAFailedCommitEndsTheWalk: the round says so, and the next one makes up for it.
func TestAFailedCommitEndsTheWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the disk is full")
		fail := true
		now := time.Now()
		window := idempotency.Window{From: idempotency.At(now.Add(-time.Hour)), To: idempotency.At(now)}
		store := memory.Open(memory.Config{Gate: &window, Fail: func(string) error {
			if fail {
				return broken
			}
			return nil
		}})
		stripe := &stripe{intents: []idempotency.Intent{intent(1, "a", idempotency.IntentSucceeded)}}
		s, err := restore.New(restore.Config{
			Ledger: store, Sweep: stripe.sweep, Window: window, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Close: store.CloseGate,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Round(t.Context()); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
		fail = false
		if round, err := s.Round(t.Context()); err != nil || round.Adopted != 1 {
			t.Errorf("%+v, %v", round, err)
		}
	})
}

func TestNewRefusesWhatIsIncomplete(t *testing.T) {
	whole := restore.Config{
		Ledger: memory.Open(memory.Config{}), Sweep: (&stripe{}).sweep, Window: idempotency.Window{From: 1, To: 2},
		Close: func(context.Context) error { return nil }, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}
	for name, spoil := range map[string]func(*restore.Config){
		"no ledger": func(c *restore.Config) { c.Ledger = nil },
		"no sweep":  func(c *restore.Config) { c.Sweep = nil },
		"no close":  func(c *restore.Config) { c.Close = nil },
		"no window": func(c *restore.Config) { c.Window = idempotency.Window{} },
		"backwards": func(c *restore.Config) { c.Window.From = 3 },
	} {
		c := whole
		spoil(&c)
		if _, err := restore.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := restore.New(whole); err != nil {
		t.Error(err)
	}
}

package embedded_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/payonce/payonce/engine/embedded"
	"github.com/payonce/payonce/engine/enginetest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
	"github.com/payonce/payonce/read"
)

// TestReaderAlone reads a folder that nobody writes to, and leaves it as it was.
func TestReaderAlone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, embedded.Config{Dir: dir})
	want := accept(t, s, "k1", "order-1")
	closeStore(t, s)
	r, err := embedded.OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Load(t.Context(), want.ID); err != nil || got.ID != want.ID || got.Request == nil {
		t.Errorf("load: %+v, %v", got, err)
	}
	if p, err := r.List(t.Context(), read.Filter{Tenant: "shop"}); err != nil || len(p.Records) != 1 {
		t.Errorf("list: %+v, %v", p, err)
	}
	if report, err := r.Check(t.Context(), nil); err != nil || !report.OK() || report.Records != 1 {
		t.Errorf("check: %+v, %v", report, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	wantHealthy(t, open(t, embedded.Config{Dir: dir}))
}

// TestUncached: what has left the memory, or was never in it, is read from the file and can be worked on alike.
func TestUncached(t *testing.T) {
	s := open(t, embedded.Config{CacheBytes: 8 << 10})
	var all []idempotency.Record
	for i := range 60 {
		all = append(all, accept(t, s, fmt.Sprint(i), fmt.Sprint("order-", i)))
	}
	for i, r := range all {
		if i%3 == 0 {
			s.Uncached()
		}
		var stale *idempotency.StaleError
		again := enginetest.Accept(time.Now(), "shop", fmt.Sprint(i), "")
		if err := s.Commit(t.Context(), again); !errors.As(err, &stale) || stale.Current.Request == nil {
			t.Fatalf("payment %d again: %v", i, err)
		}
		claim := enginetest.Claim(time.Now(), r, "1/1")
		claim.Record.Request = nil // an incomplete copy; what is stored stays
		if err := s.Commit(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			s.Uncached()
		}
		got, err := s.Load(t.Context(), r.ID)
		if err != nil || got.Request == nil || got.Frozen == nil || got.Version != 2 {
			t.Fatalf("payment %d: %+v, %v", i, got, err)
		}
	}
	wantHealthy(t, s)
}

// TestLateRequest: a payment that was found at Stripe after a restore learns later what the app asked for.
func TestLateRequest(t *testing.T) {
	for _, cached := range []bool{true, false} {
		s := open(t, embedded.Config{})
		now := time.Now()
		id := enginetest.ID("shop", "k1")
		adopt, _, err := idempotency.Next(idempotency.Record{}, idempotency.Adopt{Intent: idempotency.Intent{
			ID: "pi_1", Status: idempotency.IntentRequiresConfirmation, Payment: id, Tenant: "shop", Order: "order-1",
			Amount: events.Money{Minor: 1099, Currency: "EUR"}, Fingerprint: [32]byte{7},
		}}, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), adopt); err != nil {
			t.Fatal(err)
		}
		if !cached {
			s.Uncached()
		}
		submit, _, err := idempotency.Next(*adopt.Record, idempotency.Submit{
			ID: id, Tenant: "shop", KeyHash: [32]byte{8}, Fingerprint: [32]byte{7},
			Request: events.Payment{Amount: events.Money{Minor: 1099, Currency: "EUR"}, PaymentMethod: "pm_card_visa"},
		}, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), submit); err != nil {
			t.Fatal(err)
		}
		s.Uncached()
		got, err := s.Load(t.Context(), id)
		if err != nil || got.KeyHash != [32]byte{8} || got.Request == nil || got.Request.PaymentMethod != "pm_card_visa" {
			t.Errorf("cached %v: %+v, %v", cached, got, err)
		}
		wantHealthy(t, s)
	}
}

// TestTimerWakes: with a clock that runs by itself nobody has to poke the store.
func TestTimerWakes(t *testing.T) {
	s := open(t, embedded.Config{})
	c := enginetest.Accept(time.Now(), "shop", "k1", "")
	c.Messages[0].Delay = 30 * time.Millisecond
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 2; n++ { // the end of the delay, then that of the visibility
		if d, err := s.Receive(t.Context(), 1, time.Second); err != nil || len(d) != 1 || d[0].Receives != n {
			t.Fatalf("delivery %d: %+v, %v", n, d, err)
		}
	}
}

// TestFeedOfNewTenant: whoever asks for a tenant's outcomes before there are any keeps the position. Were it moved on
// past those of others, the tenant's first outcome, committed at that moment, would be missed.
func TestFeedOfNewTenant(t *testing.T) {
	s := open(t, embedded.Config{})
	r := accept(t, s, "k1", "")
	if err := s.Commit(t.Context(), enginetest.Settle(time.Now(), r, idempotency.Failed)); err != nil {
		t.Fatal(err)
	}
	if feed, err := s.Events(t.Context(), "new", 0, 10); err != nil || feed.Next != 0 || feed.Generation != 1 {
		t.Errorf("feed %+v, %v", feed, err)
	}
}

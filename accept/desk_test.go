package accept_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/accept"
	"github.com/payonce/payonce/accept/accepttest"
	"github.com/payonce/payonce/events"
	"github.com/payonce/payonce/idempotency"
)

var (
	installation = uuid.MustParse("0d9c2a52-7c9d-4d6f-8a9e-2f1f0c8b7a61")
	secret       = []byte("0123456789abcdef0123456789abcdef")
	start        = time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
)

const (
	plain    = `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa"}`
	ordered  = `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa","reference":"order-A1"}`
	repeated = `{"amount":1000,"currency":"EUR","payment_method":"pm_card_visa","reference":"order-A1","allow_repeat":true}`
)

func key(t *testing.T, s string) events.Key {
	t.Helper()
	k, err := events.ParseKey([]string{s})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func desk(t *testing.T, l *accepttest.Ledger, maxBacklog int) *accept.Desk {
	t.Helper()
	d, err := accept.New(accept.Config{
		Ledger: l, Queue: l, Clock: func() time.Time { return start },
		Installation: installation, Secret: secret, MaxBacklog: maxBacklog,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func submit(t *testing.T, d *accept.Desk, k, body string) accept.Result {
	t.Helper()
	res, err := d.Submit(t.Context(), "shop", key(t, k), []byte(body), "")
	if err != nil {
		t.Fatalf("submit %s: %v", k, err)
	}
	return res
}

func TestNewRefuses(t *testing.T) {
	l := accepttest.New()
	for name, c := range map[string]accept.Config{
		"ledger":       {Installation: installation, Secret: secret},
		"installation": {Ledger: l, Secret: secret},
		"secret":       {Ledger: l, Installation: installation, Secret: secret[:8]},
		"queue":        {Ledger: l, Installation: installation, Secret: secret, MaxBacklog: 1},
		"negative":     {Ledger: l, Queue: l, Installation: installation, Secret: secret, MaxBacklog: -1},
	} {
		if _, err := accept.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSubmitOnce(t *testing.T) {
	l := accepttest.New()
	d := desk(t, l, 0)
	first := submit(t, d, "k1", ordered)
	if first.Replayed || first.Record.State != idempotency.Accepted || first.Record.Tenant != "shop" {
		t.Fatalf("first: %+v", first)
	}
	if l.Loads() != 0 {
		t.Errorf("%d reads on the happy path, want none", l.Loads())
	}
	second := submit(t, d, `"k1"`, `{"payment_method":"pm_card_visa","reference":"order-A1","currency":"eur","amount":1000}`)
	if !second.Replayed || second.Record.ID != first.Record.ID {
		t.Errorf("the same request in other words: %+v", second)
	}
	if n, m := len(l.Records()), len(l.Messages()); n != 1 || m != 1 {
		t.Errorf("%d records and %d messages, want one of each", n, m)
	}
}

func TestKeyReused(t *testing.T) {
	l := accepttest.New()
	d := desk(t, l, 0)
	submit(t, d, "k1", ordered)
	_, err := d.Submit(t.Context(), "shop", key(t, "k1"), []byte(plain), "")
	if !errors.Is(err, accept.ErrKeyReused) {
		t.Errorf("err = %v", err)
	}
	if n := len(l.Records()); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
	if _, err := d.Submit(t.Context(), "other", key(t, "k1"), []byte(plain), ""); err != nil {
		t.Errorf("another tenant's key of the same name: %v", err)
	}
}

func TestReferenceHeld(t *testing.T) {
	l := accepttest.New()
	d := desk(t, l, 0)
	first := submit(t, d, "k1", ordered)
	_, err := d.Submit(t.Context(), "shop", key(t, "k2"), []byte(ordered), "")
	var held *accept.HeldError
	if !errors.As(err, &held) || held.Holder.ID != first.Record.ID || !errors.Is(err, idempotency.ErrHeld) {
		t.Fatalf("err = %v", err)
	}
	if len(l.Messages()) != 1 {
		t.Error("an atomic ledger's holder needs no second message")
	}
	submit(t, d, "k3", repeated)
	if _, err := d.Submit(t.Context(), "other", key(t, "k2"), []byte(ordered), ""); err != nil {
		t.Errorf("another tenant's reference of the same name: %v", err)
	}

	// The existing record answers before the guard: k1 failed, k4 took the reference, k1 is repeated.
	l.Change(first.Record.ID, func(r *idempotency.Record) { r.State, r.Holds = idempotency.Failed, false })
	submit(t, d, "k4", ordered)
	again := submit(t, d, "k1", ordered)
	if !again.Replayed || again.Record.State != idempotency.Failed {
		t.Errorf("repeat of the failed one: %+v", again)
	}
}

func TestMessageIsSentAgainWhereAcceptIsNotAtomic(t *testing.T) {
	l := accepttest.New()
	l.NotAtomic = true
	d := desk(t, l, 0)
	submit(t, d, "k1", ordered)
	res := submit(t, d, "k1", ordered)
	if !res.Replayed || len(l.Messages()) != 2 {
		t.Errorf("after a repeat: %d messages, want 2", len(l.Messages()))
	}
	var held *accept.HeldError
	if _, err := d.Submit(t.Context(), "shop", key(t, "k2"), []byte(ordered), ""); !errors.As(err, &held) {
		t.Fatalf("err = %v", err)
	}
	if len(l.Messages()) != 3 {
		t.Errorf("after a conflict: %d messages, want 3", len(l.Messages()))
	}
	// A conflict whose message could not be sent is no final answer.
	broken := errors.New("queue down")
	l.Before = func(c idempotency.Change) error {
		if c.Record == nil {
			return broken
		}
		return nil
	}
	var unsure *accept.UndecidedError
	if _, err := d.Submit(t.Context(), "shop", key(t, "k2"), []byte(ordered), ""); !errors.As(err, &unsure) || !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	// Once a worker has claimed it, nothing is sent any more.
	l.Before = nil
	l.Change(res.Record.ID, func(r *idempotency.Record) { r.State = idempotency.Processing })
	submit(t, d, "k1", ordered)
	if len(l.Messages()) != 3 {
		t.Errorf("after the claim: %d messages, want 3", len(l.Messages()))
	}
}

func TestBacklog(t *testing.T) {
	l := accepttest.New()
	d := desk(t, l, 1)
	submit(t, d, "k1", ordered) // takes the one place
	var full *accept.BacklogError
	if _, err := d.Submit(t.Context(), "shop", key(t, "k2"), []byte(plain), ""); !errors.As(err, &full) || full.RetryAfter != 5*time.Second {
		t.Fatalf("err = %v", err)
	}
	if res := submit(t, d, "k1", ordered); !res.Replayed {
		t.Error("a repeat is answered whatever the backlog")
	}
	if _, err := d.Submit(t.Context(), "shop", key(t, "k1"), []byte(plain), ""); !errors.Is(err, accept.ErrKeyReused) {
		t.Errorf("a reused key: %v", err)
	}
	if n := len(l.Records()); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
	l.Reads = func() error { return errors.New("down") }
	var unsure *accept.UndecidedError
	if _, err := d.Submit(t.Context(), "shop", key(t, "k3"), []byte(plain), ""); !errors.As(err, &unsure) {
		t.Errorf("a queue that cannot say: %v", err)
	}
}

func TestInvalidBodyStoresNothing(t *testing.T) {
	l := accepttest.New()
	d := desk(t, l, 0)
	for _, body := range []string{"", "{}", `{"amount":1}`, plain + "x"} {
		var invalid *events.InvalidError
		if _, err := d.Submit(t.Context(), "shop", key(t, "k1"), []byte(body), ""); !errors.As(err, &invalid) {
			t.Errorf("%q: %v", body, err)
		}
	}
	if len(l.Records()) != 0 {
		t.Error("a refused body was stored")
	}
}

func TestUndecided(t *testing.T) {
	disk := errors.New("disk")
	fail := func(idempotency.Change) error { return disk }
	for name, set := range map[string]func(*accepttest.Ledger){
		"before the write": func(l *accepttest.Ledger) { l.Before = fail },
		"after the write":  func(l *accepttest.Ledger) { l.After = fail },
	} {
		t.Run(name, func(t *testing.T) {
			l := accepttest.New()
			set(l)
			d := desk(t, l, 0)
			_, err := d.Submit(t.Context(), "shop", key(t, "k1"), []byte(ordered), "")
			var unsure *accept.UndecidedError
			if !errors.As(err, &unsure) || !errors.Is(err, disk) {
				t.Fatalf("err = %v", err)
			}
			l.Before, l.After = nil, nil
			submit(t, d, "k1", ordered)
			if n, m := len(l.Records()), len(l.Messages()); n != 1 || m != 1 {
				t.Errorf("after the repeat: %d records, %d messages", n, m)
			}
		})
	}
}

// A record that changes with each try ends in an undecided answer, not in an endless loop.
func TestContendedEnds(t *testing.T) {
	l := accepttest.New()
	d := desk(t, l, 0)
	tries := 0
	l.Before = func(idempotency.Change) error {
		tries++
		return &idempotency.StaleError{Current: idempotency.Record{}}
	}
	var unsure *accept.UndecidedError
	if _, err := d.Submit(t.Context(), "shop", key(t, "k1"), []byte(ordered), ""); !errors.As(err, &unsure) {
		t.Errorf("err = %v", err)
	}
	if tries != 8 {
		t.Errorf("%d tries, want 8", tries)
	}
}

func TestCancel(t *testing.T) {
	t.Run("before the payment arrives", func(t *testing.T) {
		l := accepttest.New()
		d := desk(t, l, 0)
		res, err := d.Cancel(t.Context(), "shop", key(t, "k1"))
		if err != nil || res.Record.State != idempotency.Canceled || res.Replayed {
			t.Fatalf("%+v, %v", res, err)
		}
		late := submit(t, d, "k1", ordered)
		if late.Record.State != idempotency.Canceled || !late.Replayed || len(l.Messages()) != 0 {
			t.Errorf("the late submit: %+v", late.Record.State)
		}
		if again, err := d.Cancel(t.Context(), "shop", key(t, "k1")); err != nil || !again.Replayed {
			t.Errorf("again: %+v, %v", again, err)
		}
		submit(t, d, "k2", ordered) // the purchase is free
	})
	t.Run("an accepted one", func(t *testing.T) {
		l := accepttest.New()
		d := desk(t, l, 0)
		first := submit(t, d, "k1", ordered)
		res, err := d.Cancel(t.Context(), "shop", key(t, "k1"))
		if err != nil || res.Replayed || res.Record.Closing != idempotency.Canceled || res.Record.ID != first.Record.ID {
			t.Fatalf("%+v, %v", res, err)
		}
		if len(l.Messages()) != 2 {
			t.Error("the worker hears nothing of it")
		}
		if again, err := d.Cancel(t.Context(), "shop", key(t, "k1")); err != nil || !again.Replayed {
			t.Errorf("again: %+v, %v", again, err)
		}
	})
	t.Run("too late", func(t *testing.T) {
		l := accepttest.New()
		d := desk(t, l, 0)
		first := submit(t, d, "k1", ordered)
		l.Change(first.Record.ID, func(r *idempotency.Record) { r.State = idempotency.Succeeded })
		_, err := d.Cancel(t.Context(), "shop", key(t, "k1"))
		var late *accept.TooLateError
		if !errors.As(err, &late) || late.Record.State != idempotency.Succeeded {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		l := accepttest.New()
		l.Reads = func() error { return errors.New("disk") }
		var unsure *accept.UndecidedError
		if _, err := desk(t, l, 0).Cancel(t.Context(), "shop", key(t, "k1")); !errors.As(err, &unsure) {
			t.Errorf("err = %v", err)
		}
	})
}

// Many callers of one key, and one cancel among them: one record, and each caller hears of that one.
func TestConcurrentCallers(t *testing.T) {
	l := accepttest.New()
	d := desk(t, l, 0)
	k := key(t, "k1")
	var wg sync.WaitGroup
	ids := make([]events.ID, 32)
	for i := range ids {
		wg.Go(func() {
			var res accept.Result
			var err error
			if i == 7 {
				res, err = d.Cancel(context.Background(), "shop", k)
			} else {
				res, err = d.Submit(context.Background(), "shop", k, []byte(ordered), "")
			}
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
			ids[i] = res.Record.ID
		})
	}
	wg.Wait()
	if len(l.Records()) != 1 {
		t.Fatalf("%d records", len(l.Records()))
	}
	for i, id := range ids {
		if id != l.Records()[0].ID {
			t.Errorf("caller %d heard of another payment", i)
		}
	}
}

func BenchmarkSubmit(b *testing.B) {
	l := accepttest.New()
	d, err := accept.New(accept.Config{Ledger: l, Installation: installation, Secret: secret})
	if err != nil {
		b.Fatal(err)
	}
	k, err := events.ParseKey([]string{"k1"})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(ordered)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Submit(b.Context(), "shop", k, body, ""); err != nil {
			b.Fatal(err)
		}
	}
}

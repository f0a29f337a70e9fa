package sandbox

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

var allKinds = []Kind{
	None, LostAnswer, DelayedAnswer, Latency, Reset, LateEffect, Error500Effect, Error500NoEffect, Error500LateEffect, RateLimit,
	LockTimeout, BadGateway, BadGatewayEffect, Unavailable,
}

var someMethods = []string{
	"", "pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_sandbox_processing_succeeds",
	"pm_sandbox_processing_fails", "pm_sandbox_declines_2_processing_error", "pm_card_threeDSecureRequiredChargeDeclined",
}

// Whatever is asked, fails, comes late or is forgotten, a PaymentIntent is paid at most once; a canceled one never; and
// the journal's entries build the same state again.
func TestPaidAtMostOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opt := Options{Seed: 1}
		core, err := New(opt)
		if err != nil {
			t.Fatal(err)
		}
		var tape [][]byte
		core.record = func(e *entry) uint64 {
			b, err := cbor.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			tape = append(tape, b)
			return uint64(len(tape))
		}
		now := time.UnixMilli(1_800_000_000_000)
		var made []string
		var pending []*Pending
		draw := func(n int, label string) int { return rapid.IntRange(0, n-1).Draw(t, label) }
		for step := range draw(60, "steps") + 5 {
			f := Fault{Kind: allKinds[draw(len(allKinds), "fault")], Delay: time.Duration(draw(3, "delay")*20+1) * time.Hour}
			key := ""
			if draw(4, "keyed") > 0 {
				key = fmt.Sprint("k", draw(6, "key"))
			}
			switch op := draw(12, "op"); op {
			case 0, 1:
				// Every intent has a payment of its own, so the count by payment is a count by intent.
				params := fmt.Sprintf("%s&metadata[payonce_id]=p%d", cardOnly, step)
				if m := someMethods[draw(len(someMethods), "method")]; m != "" && draw(2, "confirm") == 1 {
					params += "&confirm=true&payment_method=" + m
				}
				core.Handle(post(create, params, ""), now, f)
				made = nil
				for _, ids := range core.lists {
					made = append(made, ids...)
				}
			case 2, 3, 4, 5:
				if len(made) == 0 {
					continue
				}
				params := ""
				if m := someMethods[draw(len(someMethods), "method")]; m != "" {
					params = "payment_method=" + m
				}
				r := post(create+"/"+made[draw(len(made), "intent")]+"/confirm", params, key)
				if draw(3, "split") == 0 {
					if _, p := core.Begin(r, now, f); p != nil {
						pending = append(pending, p)
					}
					continue
				}
				core.Handle(r, now, f)
			case 6:
				if len(made) > 0 {
					core.Handle(post(create+"/"+made[draw(len(made), "intent")]+"/cancel", "", key), now, f)
				}
			case 7:
				if len(made) > 0 {
					_ = core.CompleteAction(made[draw(len(made), "intent")], draw(2, "passed") == 1, now)
				}
			case 8:
				if len(made) > 0 {
					_ = core.Settle(made[draw(len(made), "intent")], draw(2, "paid") == 1, now)
				}
			case 9:
				core.Forget(now)
			case 10:
				now = now.Add(time.Duration(draw(30, "hours")) * time.Hour)
			case 11:
				if len(pending) > 0 {
					core.Finish(pending[0], now)
					pending = pending[1:]
				}
			}
		}
		for _, p := range pending {
			core.Finish(p, now)
		}
		now = now.Add(100 * time.Hour)
		stats := core.Stats(now)

		paid := map[string]int{}
		for _, c := range core.Charges(0, 1000) {
			paid[c.PaymentIntent]++
		}
		for id, pi := range core.intents {
			want := 0
			if pi.Status == Succeeded {
				want = 1
			}
			if paid[id] != want {
				t.Fatalf("%s is %s and was paid %d times", id, pi.Status, paid[id])
			}
		}
		if stats.Charges != stats.Intents[Succeeded] || stats.PerPayment.Max > 1 {
			t.Fatalf("%+v", stats)
		}

		again, err := New(opt)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range tape {
			e := new(entry)
			if err := entryMode.Unmarshal(b, e); err != nil {
				t.Fatal(err)
			}
			again.apply(e)
		}
		sameState(t, core, again, now)
	})
}

// sameState compares what two cores keep.
func sameState(t interface {
	Helper()
	Fatalf(string, ...any)
}, a, b *Stripe, now time.Time,
) {
	t.Helper()
	x, y := a.Stats(now), b.Stats(now)
	x.Requests, y.Requests, x.Replayed, y.Replayed, x.Conflicts, y.Conflicts = nil, nil, 0, 0, 0, 0
	if !reflect.DeepEqual(x, y) {
		t.Fatalf("stats differ\n%+v\n%+v", x, y)
	}
	if !reflect.DeepEqual(a.lists, b.lists) || !reflect.DeepEqual(a.Charges(0, 1e6), b.Charges(0, 1e6)) {
		t.Fatalf("lists or charges differ")
	}
	if len(a.intents) != len(b.intents) || len(a.keys) != len(b.keys) {
		t.Fatalf("%d and %d intents, %d and %d keys", len(a.intents), len(b.intents), len(a.keys), len(b.keys))
	}
	for id, pi := range a.intents {
		if string(pi.appendJSON(nil, expandCharge)) != string(b.intents[id].appendJSON(nil, expandCharge)) {
			t.Fatalf("%s differs", id)
		}
	}
	for h, k := range a.keys {
		l := b.keys[h]
		if l == nil {
			t.Fatalf("a key is missing")
		}
		p, q := k.answer(), l.answer()
		if p.status != q.status || k.Request != l.Request || k.Print != l.Print || string(p.appendJSON(nil)) != string(q.appendJSON(nil)) {
			t.Fatalf("an answer differs\n%s\n%s", p.appendJSON(nil), q.appendJSON(nil))
		}
	}
}

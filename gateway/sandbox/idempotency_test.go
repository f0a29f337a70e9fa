package sandbox

import (
	"strings"
	"testing"
	"time"
)

func TestSameKeySameAnswer(t *testing.T) {
	b := newBench(t, Options{})
	first := b.do(post(create, ours+"&confirm=true&payment_method=pm_card_visa", "k"), Fault{})
	b.now = b.now.Add(DefaultKeyLife - time.Millisecond)
	// The order of the parameters does not matter, nor does what has happened to the intent meanwhile.
	again := b.do(post(create, "payment_method=pm_card_visa&confirm=true&"+ours, "k"), Fault{})
	if again.Status != 200 || string(again.Body) != string(first.Body) || !again.Replayed || first.Replayed {
		t.Errorf("replayed %v: %s", again.Replayed, again.Body)
	}
	if again.RequestID == first.RequestID || again.OriginalRequest != first.RequestID {
		t.Errorf("request ids: first %s, replayed %s of %s", first.RequestID, again.RequestID, again.OriginalRequest)
	}
	b.charges(1)
	if got := b.core.Stats(b.now); got.Replayed != 1 || got.Keys != 1 {
		t.Errorf("%+v", got)
	}
}

func TestDeclinesAndStateErrorsAreKept(t *testing.T) {
	b := newBench(t, Options{})
	id := b.intent(ours)
	r := confirmOf(id, "pm_sandbox_declines_1_insufficient_funds", "k1")
	no := b.do(r, Fault{})
	again := b.do(r, Fault{})
	if no.Status != 402 || again.Status != 402 || !again.Replayed || string(no.Body) != string(again.Body) {
		t.Errorf("%d then %d: %s", no.Status, again.Status, again.Body)
	}
	r.IdempotencyKey = "k2"
	b.want(200, r)
	late := confirmOf(id, "pm_card_visa", "k3")
	b.want(400, late)
	if resp := b.do(late, Fault{}); !resp.Replayed || resp.Status != 400 {
		t.Errorf("%+v", resp)
	}
	// An intent that is not there is a refusal before execution: the key stays free.
	b.want(404, confirmOf("pi_none", "pm_card_visa", "k4"))
	if resp := b.do(confirmOf("pi_none", "pm_card_visa", "k4"), Fault{}); resp.Replayed {
		t.Error("a 404 was kept")
	}
}

func TestOtherRequestUnderTheKey(t *testing.T) {
	b := newBench(t, Options{})
	id := b.want(200, post(create, ours, "k")).text("id")
	for _, r := range []Request{
		post(create, strings.Replace(ours, "1000", "1001", 1), "k"),
		post(create, ours+"&expand[]=latest_charge", "k"),
		confirmOf(id, "pm_card_visa", "k"),
		post(create+"/"+id+"/cancel", "", "k"),
	} {
		if got := b.want(400, r); got.text("error.type") != "idempotency_error" {
			t.Errorf("%v", got)
		}
	}
	if got := b.status(id); got != "requires_payment_method" {
		t.Error(got)
	}
	// The same key of another account is another key; a GET takes none.
	other := post(create, cardOnly, "k")
	other.Authorization = "Bearer sk_test_other"
	b.want(200, other)
	read := get(create+"/"+id, "")
	read.IdempotencyKey = "k"
	b.want(200, read)
}

func TestKeyLength(t *testing.T) {
	b := newBench(t, Options{})
	b.want(200, post(create, cardOnly, strings.Repeat("k", 255)))
	b.want(400, post(create, cardOnly, strings.Repeat("k", 256)))
}

func TestKeyInUse(t *testing.T) {
	b := newBench(t, Options{})
	r := post(create, ours+"&confirm=true&payment_method=pm_card_visa", "k")
	_, p := b.core.Begin(r, b.now, Fault{Kind: Latency, Delay: time.Second})
	if p == nil || p.Delay != time.Second {
		t.Fatalf("%+v", p)
	}
	if got := b.want(409, r); got.text("error.code") != "idempotency_key_in_use" || got.text("error.type") != "invalid_request_error" {
		t.Errorf("%v", got)
	}
	b.charges(0)
	first := b.core.Finish(p, b.now.Add(time.Second))
	again := b.do(r, Fault{})
	if first.Status != 200 || !again.Replayed || string(first.Body) != string(again.Body) {
		t.Errorf("%d, %v", first.Status, again.Replayed)
	}
	b.charges(1)
}

func TestKeysArePruned(t *testing.T) {
	for name, prune := range map[string]func(*bench){
		"by age":          func(b *bench) { b.now = b.now.Add(DefaultKeyLife) },
		"by the clock":    func(b *bench) { _ = b.core.Advance(DefaultKeyLife, b.now) },
		"by being told":   func(b *bench) { b.core.Forget(b.now) },
		"by a later time": func(b *bench) { b.core.Tick(b.now.Add(DefaultKeyLife)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Options{})
			one := post(create, ours+"&confirm=true&payment_method=pm_card_visa", "k")
			b.want(200, one)
			id := b.intent(ours)
			b.want(200, confirmOf(id, "pm_card_visa", "k2"))
			b.charges(2)
			prune(b)
			if n := b.core.Stats(b.now).Keys; n != 0 {
				t.Errorf("%d keys are left", n)
			}
			// One step: a forgotten key is a second charge, and the count shows it.
			b.want(200, one)
			stats := b.core.Stats(b.now)
			if stats.Charges != 3 || stats.PerPayment.Max != 3 || stats.PerReference.Max != 3 || stats.PerPayment.Over != 1 {
				t.Errorf("%+v", stats)
			}
			// Two steps: the intent itself refuses.
			b.want(400, confirmOf(id, "pm_card_visa", "k2"))
			b.charges(3)
		})
	}
}

func TestReplayShowsTheFirstVersion(t *testing.T) {
	b := newBench(t, Options{})
	made := b.do(post(create, ours, "k"), Fault{})
	id := decode(t, made.Body).text("id")
	b.want(200, confirmOf(id, "pm_card_visa", ""))
	if again := b.do(post(create, ours, "k"), Fault{}); string(again.Body) != string(made.Body) {
		t.Errorf("%s", again.Body)
	}
}

package sandbox

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault   Fault
		fate    Fate
		status  int // of the answer, if there is one
		charged int // right after
		again   int // status of the same request under the same key, afterwards
		replay  bool
		finally int // charges after the second request and a day
	}{
		{fault: Fault{Kind: LostAnswer}, fate: Closed, charged: 1, again: 200, replay: true, finally: 1},
		{fault: Fault{Kind: DelayedAnswer, Delay: time.Minute}, status: 200, charged: 1, again: 200, replay: true, finally: 1},
		{fault: Fault{Kind: Latency, Delay: time.Minute}, status: 200, charged: 1, again: 200, replay: true, finally: 1},
		{fault: Fault{Kind: Reset}, fate: WasReset, again: 200, finally: 1},
		{fault: Fault{Kind: Error500Effect}, status: 500, charged: 1, again: 500, replay: true, finally: 1},
		{fault: Fault{Kind: Error500NoEffect}, status: 500, again: 500, replay: true, finally: 0},
		{fault: Fault{Kind: Error500LateEffect, Delay: time.Hour}, status: 500, again: 500, replay: true, finally: 1},
		{fault: Fault{Kind: LateEffect, Delay: time.Hour}, fate: WasReset, again: 200, finally: 1},
		{fault: Fault{Kind: RateLimit}, status: 429, again: 200, finally: 1},
		{fault: Fault{Kind: LockTimeout}, status: 429, again: 200, finally: 1},
		{fault: Fault{Kind: BadGateway}, status: 502, again: 200, finally: 1},
		{fault: Fault{Kind: BadGatewayEffect}, status: 502, charged: 1, again: 200, replay: true, finally: 1},
		{fault: Fault{Kind: Unavailable}, status: 503, again: 200, finally: 1},
	} {
		for _, how := range []string{"argument", "plan"} {
			t.Run(string(c.fault.Kind)+" by "+how, func(t *testing.T) {
				b := newBench(t, Options{})
				id := b.intent(ours)
				r := confirmOf(id, "pm_card_visa", "k")
				given := c.fault
				if how == "plan" {
					err := b.core.SetFaults(Plan{Rules: []Rule{{
						Kind: given.Kind, Endpoint: "confirm", Times: 1, DelayMS: given.Delay.Milliseconds(),
					}}}, b.now)
					if err != nil {
						t.Fatal(err)
					}
					given = Fault{}
				}
				resp := b.do(r, given)
				if resp.Fate != c.fate || c.fate == Answered && resp.Status != c.status || resp.Fault != c.fault.Kind {
					t.Fatalf("fate %d, status %d, fault %q\n%s", resp.Fate, resp.Status, resp.Fault, resp.Body)
				}
				switch c.status {
				case 502, 503:
					if strings.HasPrefix(string(resp.Body), "{") || resp.ContentType == "application/json" {
						t.Errorf("JSON from a proxy: %s", resp.Body)
					}
				case 429:
					limited := decode(t, resp.Body).text("error.code")
					if c.fault.Kind == LockTimeout && limited != "lock_timeout" || c.fault.Kind == RateLimit && resp.RateLimited != "global-rate" {
						t.Errorf("%s %q", limited, resp.RateLimited)
					}
				}
				b.charges(c.charged)
				again := b.do(r, Fault{})
				if again.Status != c.again || again.Replayed != c.replay {
					t.Errorf("again: status %d, replayed %v", again.Status, again.Replayed)
				}
				b.now = b.now.Add(23 * time.Hour)
				b.charges(c.finally)
				if got := b.core.Stats(b.now); got.Faults[c.fault.Kind] != 1 || got.Pending != 0 {
					t.Errorf("faults %v, pending %d", got.Faults, got.Pending)
				}
			})
		}
	}
}

func TestLateEffectComesAlone(t *testing.T) {
	b := newBench(t, Options{})
	id := b.intent(ours)
	b.do(confirmOf(id, "pm_card_visa", "k"), Fault{Kind: LateEffect, Delay: time.Hour})
	due, ok := b.core.NextDue()
	if !ok || !due.Equal(b.now.Add(time.Hour)) {
		t.Errorf("due %v %v", due, ok)
	}
	b.charges(0)
	b.core.Tick(due)
	b.charges(1)
	if _, ok := b.core.NextDue(); ok {
		t.Error("still due")
	}
	if resp := b.do(confirmOf(id, "pm_card_visa", "k"), Fault{}); !resp.Replayed || resp.Status != 200 {
		t.Errorf("the late request kept no answer: %+v", resp)
	}
}

func TestLateEffectMeetsACanceledIntent(t *testing.T) {
	for _, kind := range []Kind{LateEffect, Error500LateEffect} {
		b := newBench(t, Options{})
		id := b.intent(ours)
		b.do(confirmOf(id, "pm_card_visa", "k"), Fault{Kind: kind, Delay: time.Hour})
		b.want(200, post(create+"/"+id+"/cancel", "", ""))
		b.now = b.now.Add(2 * time.Hour)
		b.charges(0)
		if got := b.status(id); got != "canceled" {
			t.Error(got)
		}
	}
}

func TestRollForwardOfACreate(t *testing.T) {
	b := newBench(t, Options{})
	begun := b.now.Unix()
	b.do(post(create, ours+"&confirm=true&payment_method=pm_card_visa", "k"), Fault{Kind: Error500LateEffect, Delay: time.Hour})
	if data := b.want(200, get(create, "")).at("data").([]any); len(data) != 0 {
		t.Fatalf("%v", data)
	}
	b.now = b.now.Add(time.Hour)
	data := b.want(200, get(create, "")).at("data").([]any)
	if len(data) != 1 || object(data[0].(map[string]any)).at("created") != float64(begun) {
		t.Errorf("a roll forward keeps the time of its request: %v", data)
	}
	b.charges(1)
}

func TestLateEffectAfterItsKeyIsForgotten(t *testing.T) {
	b := newBench(t, Options{})
	one := post(create, ours+"&confirm=true&payment_method=pm_card_visa", "k")
	b.do(one, Fault{Kind: LateEffect, Delay: 25 * time.Hour})
	b.want(200, one)
	b.now = b.now.Add(26 * time.Hour)
	if got := b.core.Stats(b.now); got.PerPayment.Max != 2 {
		t.Errorf("the second charge of one_step is not shown: %+v", got)
	}
}

func TestFaultsThatNeedExecutionWait(t *testing.T) {
	b := newBench(t, Options{Faults: Plan{Rules: []Rule{{Kind: Error500Effect, Times: 1}}}})
	b.want(400, post(create, "amount=1000", "k")) // refused before execution
	if got := b.core.Stats(b.now); got.Faults[Error500Effect] != 0 {
		t.Errorf("%v", got.Faults)
	}
	b.want(500, post(create, ours, "k"))
	b.want(500, post(create, ours, "k")) // kept
	if got := b.core.Stats(b.now); got.Faults[Error500Effect] != 1 || got.Replayed != 1 {
		t.Errorf("%+v", got)
	}
	b.want(200, post(create, ours, "k2"))
}

func TestFaultsOnReads(t *testing.T) {
	for kind, want := range map[Kind]int{Error500Effect: 500, RateLimit: 429, BadGateway: 502, DelayedAnswer: 200} {
		b := newBench(t, Options{})
		if resp := b.do(get("/v1/balance", ""), Fault{Kind: kind, Delay: time.Second}); resp.Status != want {
			t.Errorf("%s: %d", kind, resp.Status)
		}
	}
	b := newBench(t, Options{})
	if resp := b.do(get("/v1/balance", ""), Fault{Kind: LateEffect, Delay: time.Second}); resp.Fate != WasReset {
		t.Error(resp.Fate)
	}
	if _, ok := b.core.NextDue(); ok {
		t.Error("a read has no late effect")
	}
}

func TestPlan(t *testing.T) {
	b := newBench(t, Options{})
	pay := "pay_00000000000000000000000000000001"
	err := b.core.SetFaults(Plan{Rules: []Rule{
		{Kind: Reset, Endpoint: "create", Skip: 1, Times: 1},
		{Kind: RateLimit, Payment: pay, Endpoint: "confirm", Times: 2},
	}}, b.now)
	if err != nil {
		t.Fatal(err)
	}
	id := b.intent(ours) // passes
	if resp := b.do(post(create, ours, ""), Fault{}); resp.Fate != WasReset {
		t.Error("the second create is not reset")
	}
	other := b.intent(cardOnly)
	b.want(200, confirmOf(other, "pm_card_visa", ""))
	b.want(429, confirmOf(id, "pm_card_visa", ""))
	b.want(429, confirmOf(id, "pm_card_visa", ""))
	b.want(200, confirmOf(id, "pm_card_visa", ""))
	if got := b.core.Faults(); got.Rules[0].Fired != 1 || got.Rules[1].Fired != 2 {
		t.Errorf("%+v", got)
	}
	for _, bad := range []Rule{
		{Kind: "nonsense"},
		{Kind: Reset, Endpoint: "nowhere"},
		{Kind: Reset, Rate: 1.5},
		{Kind: Reset, Rate: -1},
		{Kind: Reset, Times: -1},
		{Kind: Latency},
		{Kind: Reset, DelayMS: 5},
		{Kind: Latency, DelayMS: 1 << 60},
	} {
		if err := b.core.SetFaults(Plan{Rules: []Rule{bad}}, b.now); !errors.Is(err, ErrPlan) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := New(Options{Faults: Plan{Rules: []Rule{{Kind: "x"}}}}); !errors.Is(err, ErrPlan) {
		t.Error(err)
	}
}

func TestRatesFollowTheSeed(t *testing.T) {
	run := func(seed uint64) (string, int) {
		var out strings.Builder
		hit := 0
		b := newBench(t, Options{Faults: Plan{Seed: seed, Rules: []Rule{{Kind: RateLimit, Rate: 0.1}}}})
		for range 2000 {
			if b.do(get("/v1/balance", ""), Fault{}).Status == 429 {
				out.WriteByte('x')
				hit++
			} else {
				out.WriteByte('.')
			}
		}
		return out.String(), hit
	}
	a, hit := run(1)
	again, _ := run(1)
	c, _ := run(2)
	if a != again || a == c || hit < 150 || hit > 250 {
		t.Errorf("%d of 2000 at a rate of 0.1; same seed same run: %v; other seed other run: %v", hit, a == again, a != c)
	}
}

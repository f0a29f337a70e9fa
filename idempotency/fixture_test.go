package idempotency

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/payonce/payonce/events"
)

// start is the time at which every fixture is accepted.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type plainEncoder struct{}

func (plainEncoder) CreateForm(r Record) []byte        { return []byte("create " + r.ID.String()) }
func (plainEncoder) ConfirmForm(r Record) []byte       { return []byte("confirm " + r.ID.String()) }
func (plainEncoder) CreateConfirmForm(r Record) []byte { return []byte("both " + r.ID.String()) }
func (plainEncoder) APIVersion() string                { return "2023-10-16" }

var (
	testID    = events.ID(uuid.NewSHA1(uuid.Nil, []byte("one")))
	otherID   = events.ID(uuid.NewSHA1(uuid.Nil, []byte("two")))
	testMoney = events.Money{Minor: 1250, Currency: "EUR"}
	keyHash   = [32]byte{1}
	print1    = [32]byte{2}
)

func request() events.Payment {
	return events.Payment{Amount: testMoney, PaymentMethod: "pm_card_visa", Reference: "order-1"}
}

func receiveIn() Receive {
	return Receive{Worker: "b1/w1", Policy: DefaultPolicy(), Encoder: plainEncoder{}, Jitter: 0.5}
}

func oneStepIn() Receive {
	in := receiveIn()
	in.Policy.OneStep = true
	return in
}

func submitIn() Submit {
	return Submit{ID: testID, Tenant: "shop", KeyHash: keyHash, Fingerprint: print1, Request: request()}
}

func intentIs(status IntentStatus) *Intent {
	return &Intent{ID: "pi_1", Status: status, Amount: testMoney, Payment: testID, Tenant: "shop"}
}

// play drives one record through inputs, committing every change in memory.
type play struct {
	t    *testing.T
	r    Record
	now  time.Time
	in   Receive
	call *Call
	last Change
}

func newPlay(t *testing.T, in Receive) *play { return &play{t: t, now: start, in: in} }

func (p *play) step(in Input) *play {
	p.t.Helper()
	c, call, err := Next(p.r, in, p.now)
	if err != nil {
		p.t.Fatalf("%T on %s: %v", in, p.r.State, err)
	}
	p.last, p.call = c, call
	if c.Record != nil {
		checkChange(p.t, p.r, in, c, call)
		p.r = *c.Record
	}
	return p
}

func (p *play) submit() *play  { return p.step(submitIn()) }
func (p *play) receive() *play { return p.step(p.in) }
func (p *play) answer(a Answer) *play {
	p.t.Helper()
	if p.call == nil {
		p.t.Fatalf("no call to answer in state %s", p.r.State)
	}
	if a.Began == 0 {
		a.Began = At(p.now)
	}
	return p.step(Answered{Receive: p.in, Call: *p.call, Answer: a})
}

func (p *play) after(d time.Duration) *play {
	p.now = p.now.Add(d)
	return p
}

func (p *play) created() *play {
	return p.answer(Answer{Class: AnswerIntent, Intent: intentIs(IntentRequiresConfirmation)})
}

func (p *play) expect(want State) *play {
	p.t.Helper()
	if p.r.State != want {
		p.t.Fatalf("state %s, want %s; history %+v", p.r.State, want, p.r.History)
	}
	return p
}

func (p *play) calls(want CallKind) *play {
	p.t.Helper()
	if p.call == nil || p.call.Kind != want {
		p.t.Fatalf("call %+v, want %s (state %s)", p.call, want, p.r.State)
	}
	return p
}

func (p *play) callsNothing() *play {
	p.t.Helper()
	if p.call != nil {
		p.t.Fatalf("call %s, want none", p.call.Kind)
	}
	return p
}

// checkChange holds what must be true of every commit, whatever led to it.
func checkChange(t *testing.T, before Record, in Input, c Change, call *Call) {
	t.Helper()
	r := c.Record
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%T on %s -> %s: "+format, append([]any{in, before.State, r.State}, args...)...)
	}
	if r.State == Absent {
		fail("a stored record is absent")
	}
	if c.Expect != before.Version || r.Version != before.Version+1 {
		fail("expects version %d and writes %d over %d", c.Expect, r.Version, before.Version)
	}
	if before.State.Final() && r.State != before.State {
		fail("a final state changed")
	}
	if r.Fence < before.Fence {
		fail("the fence fell")
	}
	if r.State == Processing && r.Fence == before.Fence && before.State != Processing {
		fail("a claim without a new fence")
	}
	if r.State != Processing && r.Lease != (Lease{}) {
		fail("a lease outside of processing")
	}
	if r.State == Processing && r.Reference != "" && !r.AllowRepeat && !r.Holds && r.Closing != Superseded {
		fail("processing without holding the reference")
	}
	if r.State.Negative() && r.Holds {
		fail("a negative end holds the reference")
	}
	if !r.State.Negative() && before.Holds && !r.Holds && r.Closing != Superseded {
		fail("the reference was given up by a live payment")
	}
	if r.State.Final() != (c.Outcome != nil) && r.State.Final() && !before.State.Final() && before.State != Absent {
		fail("a final state without its outcome in the same commit")
	}
	_, restored := in.(Adopt) // apps were told of what waits before the restore
	if news := r.Announced() && r.State != before.State; news != (c.Outcome != nil) && !before.State.Final() && before.State != Absent && !restored {
		fail("apps are told: %v, although the state is news: %v", c.Outcome != nil, news)
	}
	if before.State == Absent && r.State == Succeeded && c.Outcome == nil {
		fail("an adopted payment without its outcome")
	}
	if call != nil && call.Kind.Claimed() {
		if r.State != Processing || call.Fence != r.Fence || call.LeaseEnd != r.Lease.Until {
			fail("%s outside of a claim", call.Kind)
		}
	}
	if call != nil && (call.Kind == CallConfirm || call.Kind == CallCreateConfirm) {
		a := r.Latest()
		if a == nil || a.Key != call.Key || a.Sends == 0 || a.LastSent == 0 {
			fail("%s without its attempt written ahead", call.Kind)
		}
		if call.Kind == CallConfirm && (r.Intent == "" || call.Intent != r.Intent) {
			fail("confirms %q, the record holds %q", call.Intent, r.Intent)
		}
		if r.Closing != 0 {
			fail("charges while it is being closed")
		}
	}
	if waiting := r.State == Unknown || r.State == RetryScheduled || r.State == RequiresAction || r.State == Pending; waiting &&
		r.Due == 0 && r.Attention == nil {
		fail("waits for nobody: neither due nor visible")
	}
	if r.Intent == "" && before.Intent != "" || len(before.Attempts) > 0 && before.Intent != "" && r.Intent != before.Intent {
		fail("the intent changed from %q to %q", before.Intent, r.Intent)
	}
	if err := r.VerifyHistory(); err != nil {
		fail("%v", err)
	}
}
